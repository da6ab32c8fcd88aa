package io.idem.examples.payments;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is to go wrong with one request, as its header {@link #HEADER} asks for it: a list such as
 * {@code delay-request=300, slow=2000, delay-answer=700, drop-answer}, times in milliseconds.
 *
 * @param delayRequest how long the request is on its way
 * @param slow how long the service itself takes longer
 * @param delayAnswer how long the answer is on its way
 * @param dropAnswer whether the connection is closed instead of answered, when all has been done
 */
record NetworkFaults(
    Duration delayRequest, Duration slow, Duration delayAnswer, boolean dropAnswer) {

  static final String HEADER = "Demo-Network";

  /** Longer delays are cut to this one: a request must not hold its thread for long. */
  static final Duration LONGEST = Duration.ofSeconds(3);

  private static final Pattern TIME =
      Pattern.compile("(delay-request|slow|delay-answer)=([0-9]{1,6})");

  private static final NetworkFaults NONE =
      new NetworkFaults(Duration.ZERO, Duration.ZERO, Duration.ZERO, false);

  /**
   * Reads the header.
   *
   * @throws IllegalArgumentException when it asks for anything else
   */
  static NetworkFaults parse(String header) {
    NetworkFaults faults = NONE;
    for (String part : header.split(",", -1)) {
      faults = faults.and(part.strip().toLowerCase(Locale.ROOT));
    }
    return faults;
  }

  private NetworkFaults and(String part) {
    if (part.equals("drop-answer")) {
      return new NetworkFaults(delayRequest, slow, delayAnswer, true);
    }
    Matcher time = TIME.matcher(part);
    if (!time.matches()) {
      throw new IllegalArgumentException(
          "'"
              + HEADER
              + "' is a list of delay-request=N, slow=N, delay-answer=N (milliseconds)"
              + " and drop-answer.");
    }
    Duration asked = Duration.ofMillis(Long.parseLong(time.group(2)));
    Duration bounded = asked.compareTo(LONGEST) > 0 ? LONGEST : asked;
    return switch (time.group(1)) {
      case "delay-request" -> new NetworkFaults(bounded, slow, delayAnswer, dropAnswer);
      case "slow" -> new NetworkFaults(delayRequest, bounded, delayAnswer, dropAnswer);
      default -> new NetworkFaults(delayRequest, slow, bounded, dropAnswer);
    };
  }

  /** Waits, as long as nobody stops the service. */
  static void pause(Duration time) {
    if (time.isZero()) {
      return;
    }
    try {
      Thread.sleep(time.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
