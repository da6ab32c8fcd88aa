package io.idem.examples.payments;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * An order that a customer asks for, well-formed in itself.
 *
 * @param number what the customer calls it, the same with every attempt
 * @param amount in minor units, more than zero
 */
record NewOrder(String number, String seller, long amount) {

  private static final Pattern NUMBER = Pattern.compile("[A-Za-z0-9-]{1,32}");

  /**
   * Reads the body of a request.
   *
   * @throws PaymentRejected.Invalid when it is no order, saying what is wrong with it
   */
  static NewOrder from(@Nullable JsonNode sent) {
    JsonNode body = PaymentRequest.requireObject(sent);
    String number =
        PaymentRequest.text(body, "number").orElseThrow(() -> PaymentRequest.missing("number"));
    if (!NUMBER.matcher(number).matches()) {
      throw new PaymentRejected.Invalid(
          "'number' must be 1 to 32 letters, digits and hyphens, such as A-1042.");
    }
    return new NewOrder(
        number, PaymentRequest.account(body, "seller"), PaymentRequest.amount(body));
  }
}
