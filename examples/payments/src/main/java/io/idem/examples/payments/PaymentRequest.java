package io.idem.examples.payments;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a caller asks for, well-formed in itself: whether the accounts exist and hold enough is for
 * {@link Payments} to find out.
 *
 * <p>Read by hand because a payment must not be guessed: no {@code 12.50} cut to 12, no {@code
 * "12"} taken for a number, no missing amount taken for zero. Members that are not listed here are
 * ignored.
 *
 * @param amount in minor units, more than zero
 * @param reference free text for both parties; empty when there is none
 */
record PaymentRequest(String from, String to, long amount, String currency, String reference) {

  /** As in a SEPA credit transfer. */
  static final int MAX_REFERENCE_LENGTH = 140;

  private static final Pattern ACCOUNT_ID = Pattern.compile("[A-Za-z0-9_-]{1,32}");

  /**
   * Reads the body of a request.
   *
   * @throws PaymentRejected.Invalid when it is not a payment, saying what is wrong with it
   */
  static PaymentRequest from(@Nullable JsonNode sent) {
    JsonNode body = requireObject(sent);
    String from = account(body, "from");
    String to = account(body, "to");
    if (from.equals(to)) {
      throw new PaymentRejected.Invalid("'from' and 'to' must be two different accounts.");
    }
    return new PaymentRequest(from, to, amount(body), currency(body), reference(body));
  }

  static JsonNode requireObject(@Nullable JsonNode body) {
    if (body == null || !body.isObject()) {
      throw new PaymentRejected.Invalid("The body must be a JSON object.");
    }
    return body;
  }

  /** A number of pieces, from a least one to a million. */
  static long count(@Nullable JsonNode body, String name, int least) {
    JsonNode count = requireObject(body).path(name);
    if (!count.isIntegralNumber()
        || !count.canConvertToInt()
        || count.intValue() < least
        || count.intValue() > 1_000_000) {
      throw new PaymentRejected.Invalid(
          "'" + name + "' must be a whole number from " + least + " to 1000000.");
    }
    return count.intValue();
  }

  static String account(JsonNode body, String name) {
    String id = text(body, name).orElseThrow(() -> missing(name));
    if (!ACCOUNT_ID.matcher(id).matches()) {
      throw new PaymentRejected.Invalid("'" + name + "' is not an account id.");
    }
    return id;
  }

  static long amount(JsonNode body) {
    JsonNode amount = body.path("amount");
    if (amount.isMissingNode() || amount.isNull()) {
      throw missing("amount");
    }
    if (!amount.isIntegralNumber()) {
      throw new PaymentRejected.Invalid(
          "'amount' must be a whole number of minor units, such as 1250 for 12.50.");
    }
    if (amount.bigIntegerValue().signum() <= 0) {
      throw new PaymentRejected.Invalid("'amount' must be more than 0.");
    }
    if (!amount.canConvertToLong()) {
      throw new PaymentRejected.Invalid("'amount' is too large.");
    }
    return amount.longValue();
  }

  private static String currency(JsonNode body) {
    String currency = text(body, "currency").orElseThrow(() -> missing("currency"));
    if (!currency.equals(LedgerSchema.CURRENCY)) {
      throw new PaymentRejected.Invalid(
          "'currency' must be " + LedgerSchema.CURRENCY + ", the only one these accounts have.");
    }
    return currency;
  }

  private static String reference(JsonNode body) {
    String reference = text(body, "reference").orElse("");
    if (reference.codePointCount(0, reference.length()) > MAX_REFERENCE_LENGTH) {
      throw new PaymentRejected.Invalid(
          "'reference' must have at most " + MAX_REFERENCE_LENGTH + " characters.");
    }
    if (reference.codePoints().anyMatch(Character::isISOControl)
        || !StandardCharsets.UTF_8.newEncoder().canEncode(reference)) {
      throw new PaymentRejected.Invalid("'reference' must be text without control characters.");
    }
    return reference;
  }

  static Optional<String> text(JsonNode body, String name) {
    JsonNode value = body.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isString()) {
      throw new PaymentRejected.Invalid("'" + name + "' must be a string.");
    }
    return Optional.of(value.stringValue());
  }

  static PaymentRejected missing(String name) {
    return new PaymentRejected.Invalid("'" + name + "' is missing.");
  }
}
