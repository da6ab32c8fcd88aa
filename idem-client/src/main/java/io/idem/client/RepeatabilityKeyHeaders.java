package io.idem.client;

import java.time.Instant;
import java.util.Map;

/** The headers of OASIS Repeatable Requests 1.0. */
final class RepeatabilityKeyHeaders implements KeyHeaders {

  static final KeyHeaders INSTANCE = new RepeatabilityKeyHeaders();

  private RepeatabilityKeyHeaders() {}

  @Override
  public String keyHeader() {
    return "Repeatability-Request-ID";
  }

  @Override
  public Map<String, String> of(OutgoingCall call, Instant firstSent) {
    return Map.of(keyHeader(), call.key(), "Repeatability-First-Sent", HttpDates.format(firstSent));
  }
}
