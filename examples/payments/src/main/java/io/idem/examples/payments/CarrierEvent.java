package io.idem.examples.payments;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a carrier pushes. Events arrive late, twice and out of order; the sequence says which is the
 * newest.
 *
 * @param sequence grows with time
 */
record CarrierEvent(long sequence, String status) {

  private static final Set<String> STATUSES =
      Set.of("ANNOUNCED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED");

  /**
   * Reads the body of a request.
   *
   * @throws PaymentRejected.Invalid when it is no event, saying what is wrong with it
   */
  static CarrierEvent from(@Nullable JsonNode sent) {
    JsonNode body = PaymentRequest.requireObject(sent);
    JsonNode sequence = body.path("sequence");
    if (!sequence.isIntegralNumber() || !sequence.canConvertToLong()) {
      throw new PaymentRejected.Invalid("'sequence' must be a whole number.");
    }
    String status =
        PaymentRequest.text(body, "status").orElseThrow(() -> PaymentRequest.missing("status"));
    if (!STATUSES.contains(status)) {
      throw new PaymentRejected.Invalid("'status' is none that a carrier has.");
    }
    return new CarrierEvent(sequence.longValue(), status);
  }
}
