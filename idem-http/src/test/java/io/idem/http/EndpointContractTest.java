package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.core.OperationTokens;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written down of an endpoint, against what it does. */
class EndpointContractTest {

  private static final RequestValue.Field FIELD = new RequestValue.Field("token");

  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final HttpIdempotency protocol = new HttpIdempotency();
  private final OperationTokens tokens = OperationTokens.builder().build();

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void aHeaderHasTheBoundsOfItsSyntax() {
    assertThat(contract(e -> e.keySyntax(new KeySyntax("X-Key", 20, false))).requestParts())
        .singleElement()
        .satisfies(
            part -> {
              assertThat(part.place()).isEqualTo(new RequestValue.Header("X-Key"));
              assertThat(part.required()).isTrue();
              assertThat(part.minLength()).isEqualTo(1);
              assertThat(part.maxLength()).isEqualTo(20);
              assertThat(part.example()).hasSize(20);
            });
  }

  @Test
  void whatStrictSyntaxTakesHasQuotes() {
    KeySyntax strict = new KeySyntax("Idempotency-Key", 255, true);

    assertThat(contract(e -> e.keySyntax(strict)).requestParts())
        .singleElement()
        .satisfies(
            part -> {
              assertThat(part.minLength()).isEqualTo(3);
              assertThat(part.maxLength()).isEqualTo(257);
              assertThat(strict.parse(List.of(part.example()))).isInstanceOf(KeySyntax.Key.class);
              String longest = '"' + "k".repeat(part.maxLength() - 2) + '"';
              assertThat(strict.parse(List.of(longest))).isInstanceOf(KeySyntax.Key.class);
            });
  }

  @Test
  void anOptionalKeySaysWhatItsAbsenceMeans() {
    EndpointContract contract = contract(HttpEndpoint.Builder::keyOptional);

    assertThat(contract.requestParts().get(0).required()).isFalse();
    assertThat(contract.requestParts().get(0).description()).contains("Without it");
    assertThat(types(contract)).doesNotContain(ProblemType.KEY_MISSING);
  }

  @Test
  void sourceAndNumberAreTwoParts() {
    RequestValue source = new RequestValue.Header("X-System");
    RequestValue number = new RequestValue.Member("/number");
    EndpointContract anySource =
        contract(
            e -> e.keySource(KeySource.sourceAndNumber(source, number, 40, SourceCheck.any())));
    EndpointContract ownSource =
        contract(e -> e.keySource(KeySource.sourceAndNumber(source, number, 40, String::equals)));

    assertThat(anySource.requestParts())
        .extracting(EndpointContract.RequestPart::place)
        .containsExactly(source, number);
    assertThat(anySource.requestParts())
        .allSatisfy(part -> assertThat(part.maxLength()).isEqualTo(40));
    assertThat(types(anySource)).doesNotContain(ProblemType.SOURCE_FOREIGN);
    assertThat(types(ownSource)).contains(ProblemType.SOURCE_FOREIGN);
  }

  @ParameterizedTest
  @CsvSource({"false, 145", "true, 255"})
  void aTokenHasTwoPlacesOfWhichNeitherIsRequired(boolean orHeader, int maxLength) {
    EndpointContract contract =
        contract(
            e ->
                e.keySource(
                    orHeader
                        ? KeySource.tokenOrHeader(tokens, KeySyntax.DEFAULT, FIELD)
                        : KeySource.token(tokens, KeySyntax.DEFAULT, FIELD)));

    assertThat(contract.requestParts())
        .extracting(EndpointContract.RequestPart::place)
        .containsExactly(new RequestValue.Header("Idempotency-Key"), FIELD);
    assertThat(contract.requestParts())
        .allSatisfy(
            part -> {
              assertThat(part.required()).isFalse();
              assertThat(part.description()).contains("'op'", "One of the two is required");
            });
    assertThat(contract.requestParts().get(0).maxLength()).isEqualTo(maxLength);
    assertThat(types(contract))
        .contains(ProblemType.TOKEN_EXPIRED, ProblemType.TOKEN_FOREIGN, ProblemType.TOKEN_INVALID);
  }

  @Test
  void theHeadersOfOasisAreReadAsTheyAreShown() {
    EndpointContract contract = contract(e -> e.dialect(HttpDialect.oasis()));

    assertThat(contract.requestParts())
        .extracting(part -> ((RequestValue.Header) part.place()).name())
        .containsExactly(
            "Repeatability-Request-ID", "Repeatability-First-Sent", "Repeatability-Client-ID");
    assertThat(contract.requestParts())
        .extracting(EndpointContract.RequestPart::required)
        .containsExactly(true, true, false);
    assertThat(contract.replayHeaders())
        .contains(new HeaderField("Repeatability-Result", "accepted"));
    assertThat(types(contract)).contains(ProblemType.STALE_REQUEST);
  }

  @Test
  void aStaleGuardLooksForTheTimeOfTheFirstAttempt() {
    EndpointContract contract = contract(e -> e.staleGuard(StaleGuard.within(Duration.ofHours(2))));

    assertThat(contract.requestParts()).hasSize(2);
    assertThat(contract.requestParts().get(1).place())
        .isEqualTo(new RequestValue.Header(StaleGuard.FIRST_SENT_HEADER));
    assertThat(contract.requestParts().get(1).description()).contains("PT2H");
    assertThat(types(contract)).contains(ProblemType.STALE_REQUEST);
    assertThat(types(contract(e -> e))).doesNotContain(ProblemType.STALE_REQUEST);
  }

  @Test
  void keysOfEverybodyNeedNoCaller() {
    assertThat(types(contract(e -> e))).contains(ProblemType.CALLER_REQUIRED);
    assertThat(types(contract(e -> e.callerScope(CallerScope.SHARED))))
        .doesNotContain(ProblemType.CALLER_REQUIRED);
  }

  /** But for what no endpoint is asked about, and what guards and methods in handlers tell. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {
        "KEY_NOT_SUPPORTED",
        "TOKEN_NOT_ISSUED",
        "ILLEGAL_TRANSITION",
        "OBJECT_NOT_FOUND",
        "CONTENTION",
        "CONTENTION_UNSETTLED",
        "STORE_UNSETTLED"
      })
  void everyCauseIsToldOfSomeEndpoint(ProblemType type) {
    EndpointContract tokens =
        contract(e -> e.keySource(KeySource.token(this.tokens, KeySyntax.DEFAULT, FIELD)));
    EndpointContract oasis = contract(e -> e.dialect(HttpDialect.oasis()));
    EndpointContract numbered =
        contract(
            e ->
                e.keySource(
                    KeySource.sourceAndNumber(FIELD, FIELD, 255, (caller, source) -> false)));

    assertThat(List.of(tokens, oasis, numbered))
        .anySatisfy(contract -> assertThat(types(contract)).contains(type));
  }

  @ParameterizedTest
  @CsvSource({"ietf, 422", "stripe, 400", "oasis, 422"})
  void aRefusalIsShownInItsDialect(String dialect, int status) {
    HttpDialect spelling =
        HttpDialect.all().stream().filter(d -> d.name().equals(dialect)).findFirst().orElseThrow();
    EndpointContract contract = contract(e -> e.dialect(spelling).busyStatus(423));

    assertThat(example(contract, ProblemType.KEY_REUSED).status()).isEqualTo(status);
    assertThat(example(contract, ProblemType.IN_PROGRESS).status()).isEqualTo(423);
    assertThat(example(contract, ProblemType.IN_PROGRESS).headers())
        .contains(new HeaderField("Retry-After", "1"));
    assertThat(example(contract, ProblemType.STORE_UNAVAILABLE).headers())
        .contains(new HeaderField("Retry-After", "5"));
    assertThat(new String(example(contract, ProblemType.KEY_REUSED).body(), StandardCharsets.UTF_8))
        .contains("\"/shop/idempotency/problems/key-reused\"");
  }

  @Test
  void headersOfReplaysAreThoseThatAreSent() {
    assertThat(contract(e -> e).replayHeaders())
        .containsExactly(
            new HeaderField("Idempotent-Replayed", "true"),
            new HeaderField("Idempotency-Key-Lifetime", "PT24H"));
    HttpIdempotency silent = HttpIdempotency.builder().publishRetention(false).build();
    assertThat(EndpointContract.of(silent, endpoint(e -> e), "").replayHeaders())
        .containsExactly(new HeaderField("Idempotent-Replayed", "true"));
    assertThat(contract(e -> e.dialect(HttpDialect.stripe())).replayHeaders())
        .extracting(HeaderField::name)
        .contains("Idempotency-Key");
  }

  private EndpointContract contract(UnaryOperator<HttpEndpoint.Builder> settings) {
    return EndpointContract.of(protocol, endpoint(settings), "/shop");
  }

  private HttpEndpoint endpoint(UnaryOperator<HttpEndpoint.Builder> settings) {
    return settings
        .apply(HttpEndpoint.builder(HttpIdempotency.operation(engine, "op").build()))
        .build();
  }

  private static List<ProblemType> types(EndpointContract contract) {
    return contract.refusals().stream().map(EndpointContract.Refusal::type).toList();
  }

  private static StoredResponse example(EndpointContract contract, ProblemType type) {
    return contract.refusals().stream()
        .filter(refusal -> refusal.type() == type)
        .findFirst()
        .orElseThrow()
        .example();
  }
}
