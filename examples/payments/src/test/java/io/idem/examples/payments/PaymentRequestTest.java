package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What is a payment request and what is not. */
class PaymentRequestTest {

  private static final JsonMapper JSON = JsonMapper.shared();

  @Test
  void readsEveryMember() {
    assertThat(PaymentRequest.from(valid()))
        .isEqualTo(new PaymentRequest("alice", "bob", 1250, "EUR", "Lunch"));
  }

  @Test
  void referenceIsOptional() {
    assertThat(PaymentRequest.from(with("reference", "null")).reference()).isEmpty();
    assertThat(PaymentRequest.from(valid().without("reference")).reference()).isEmpty();
  }

  @Test
  void unknownMembersAreIgnored() {
    assertThat(PaymentRequest.from(with("note", "{\"deep\":[1]}"))).isNotNull();
  }

  @Test
  void referenceIsMeasuredInCharactersNotInJavaChars() {
    String emoji = "💶".repeat(PaymentRequest.MAX_REFERENCE_LENGTH);
    assertThat(PaymentRequest.from(with("reference", '"' + emoji + '"')).reference())
        .isEqualTo(emoji);
  }

  static Stream<Arguments> invalidMembers() {
    return Stream.of(
        Arguments.of("from", "null", "'from' is missing."),
        Arguments.of("from", "7", "'from' must be a string."),
        Arguments.of("from", "\"\"", "'from' is not an account id."),
        Arguments.of("from", "\"bob\"", "'from' and 'to' must be two different accounts."),
        Arguments.of("to", "null", "'to' is missing."),
        Arguments.of("to", "\"bo\\u0000b\"", "'to' is not an account id."),
        Arguments.of("to", '"' + "x".repeat(33) + '"', "'to' is not an account id."),
        Arguments.of("amount", "null", "'amount' is missing."),
        Arguments.of("amount", "0", "'amount' must be more than 0."),
        Arguments.of("amount", "-1", "'amount' must be more than 0."),
        Arguments.of("amount", "12.5", "'amount' must be a whole number of minor units"),
        Arguments.of("amount", "12.0", "'amount' must be a whole number of minor units"),
        Arguments.of("amount", "1e3", "'amount' must be a whole number of minor units"),
        Arguments.of("amount", "1e999999", "'amount' must be a whole number of minor units"),
        Arguments.of("amount", "\"12\"", "'amount' must be a whole number of minor units"),
        Arguments.of("amount", "true", "'amount' must be a whole number of minor units"),
        Arguments.of("amount", "9223372036854775808", "'amount' is too large."),
        Arguments.of("amount", "-9223372036854775809", "'amount' must be more than 0."),
        Arguments.of("currency", "null", "'currency' is missing."),
        Arguments.of("currency", "\"USD\"", "'currency' must be EUR"),
        Arguments.of("currency", "\"eur\"", "'currency' must be EUR"),
        Arguments.of("reference", "5", "'reference' must be a string."),
        Arguments.of("reference", '"' + "x".repeat(141) + '"', "'reference' must have at most 140"),
        Arguments.of("reference", "\"a\\u0000b\"", "'reference' must be text"),
        Arguments.of("reference", "\"a\\nb\"", "'reference' must be text"),
        Arguments.of("reference", "\"\\ud800\"", "'reference' must be text"));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @MethodSource("invalidMembers")
  void refuses(String member, String value, String detail) {
    assertThatExceptionOfType(PaymentRejected.Invalid.class)
        .isThrownBy(() -> PaymentRequest.from(with(member, value)))
        .withMessageStartingWith(detail);
  }

  @ParameterizedTest
  @MethodSource("required")
  void refusesAnAbsentMember(String member) {
    assertThatExceptionOfType(PaymentRejected.Invalid.class)
        .isThrownBy(() -> PaymentRequest.from(valid().without(member)))
        .withMessage("'" + member + "' is missing.");
  }

  static Stream<String> required() {
    return Stream.of("from", "to", "amount", "currency");
  }

  @ParameterizedTest
  @MethodSource("notObjects")
  void refusesWhatIsNoObject(String body) {
    assertThatExceptionOfType(PaymentRejected.Invalid.class)
        .isThrownBy(() -> PaymentRequest.from(JSON.readTree(body)))
        .withMessage("The body must be a JSON object.");
  }

  static Stream<String> notObjects() {
    return Stream.of("null", "[]", "\"pay\"", "5");
  }

  private static ObjectNode valid() {
    return (ObjectNode)
        JSON.readTree(
            """
            {"from":"alice","to":"bob","amount":1250,"currency":"EUR","reference":"Lunch"}
            """);
  }

  private static ObjectNode with(String member, String value) {
    ObjectNode request = valid();
    request.set(member, JSON.readTree(value));
    return request;
  }
}
