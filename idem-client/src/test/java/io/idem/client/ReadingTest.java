package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.client.Reading.Kind;
import io.idem.http.ProblemType;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReadingTest {

  /** All types that say something of their own; the others are read by their status. */
  private static final Map<ProblemType, Kind> KINDS = new EnumMap<>(ProblemType.class);

  static {
    KINDS.put(ProblemType.IN_PROGRESS, Kind.BUSY);
    KINDS.put(ProblemType.OUTCOME_UNKNOWN, Kind.UNKNOWN);
    KINDS.put(ProblemType.ANSWER_NOT_STORED, Kind.NOT_STORED);
    KINDS.put(ProblemType.STORE_UNAVAILABLE, Kind.UNKNOWN);
    KINDS.put(ProblemType.KEY_REUSED, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.CONTENTION, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.CONTENTION_UNSETTLED, Kind.UNKNOWN);
    KINDS.put(ProblemType.STORE_UNSETTLED, Kind.UNKNOWN);
    KINDS.put(ProblemType.KEY_NOT_SUPPORTED, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.CALLER_REQUIRED, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.SOURCE_FOREIGN, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.TOKEN_FOREIGN, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.TOKEN_EXPIRED, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.TOKEN_INVALID, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.TOKEN_NOT_ISSUED, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.OBJECT_NOT_FOUND, Kind.TURNED_AWAY);
    KINDS.put(ProblemType.STALE_REQUEST, Kind.TURNED_AWAY);
  }

  private static ReceivedAnswer answer(int status, Map<String, String> headers, String body) {
    return ReceivedAnswer.of(status, headers::get, body.getBytes(StandardCharsets.UTF_8));
  }

  private static ReceivedAnswer plain(int status) {
    return answer(status, Map.of(), "");
  }

  private static ReceivedAnswer problem(int status, String members) {
    return answer(status, Map.of("Content-Type", "application/problem+json"), members);
  }

  @ParameterizedTest
  @EnumSource
  void everyProblemOfIdemIsUnderstood(ProblemType type) {
    ReceivedAnswer answer =
        problem(
            type.status(),
            "{\"title\":{\"a\":[1]},\"type\":\"https://x.test/idempotency/problems/%s\",\"retryable\":%s}"
                .formatted(type.slug(), type.retryable()));

    assertThat(Reading.of(answer, true))
        .isEqualTo(new Reading(KINDS.getOrDefault(type, Kind.REFUSED), type.retryable()));
  }

  @ParameterizedTest
  @CsvSource({
    "200, RAN, false",
    "201, RAN, false",
    "204, RAN, false",
    "302, RAN, false",
    "303, RAN, false",
    "307, TURNED_AWAY, false",
    "308, TURNED_AWAY, false",
    "400, REFUSED, false",
    "402, REFUSED, false",
    "422, REFUSED, false",
    "413, REFUSED, false",
    "401, TURNED_AWAY, false",
    "403, TURNED_AWAY, false",
    "404, TURNED_AWAY, false",
    "412, TURNED_AWAY, false",
    "501, TURNED_AWAY, false",
    "408, TURNED_AWAY, true",
    "425, TURNED_AWAY, true",
    "429, TURNED_AWAY, true",
    "409, BUSY, true",
    "500, UNKNOWN, true",
    "502, UNKNOWN, true",
    "503, UNKNOWN, true",
    "504, UNKNOWN, true"
  })
  void aStatusWithoutAnExplanationIsRead(int status, Kind kind, boolean again) {
    assertThat(Reading.of(plain(status), true)).isEqualTo(new Reading(kind, again));
  }

  @Test
  void aRepeatIsToldByItsMark() {
    Map<String, String> mark = Map.of("Idempotent-Replayed", "true");

    assertThat(Reading.of(answer(201, mark, ""), true))
        .isEqualTo(new Reading(Kind.REPLAYED, false));
    assertThat(Reading.of(answer(404, mark, ""), true)).isEqualTo(new Reading(Kind.REFUSED, false));
    assertThat(Reading.of(answer(500, mark, ""), true)).isEqualTo(new Reading(Kind.UNKNOWN, false));
  }

  @ParameterizedTest
  @CsvSource({
    "outcome-unknown, UNKNOWN",
    "contention-unsettled, UNKNOWN",
    "store-unsettled, UNKNOWN",
    "answer-not-stored, UNKNOWN",
    "in-progress, REFUSED",
    "key-reused, REFUSED",
    "illegal-transition, REFUSED"
  })
  void anOutcomeMayBeThatAnotherServiceDoesNotKnowOne(String slug, Kind kind) {
    ReceivedAnswer answer =
        answer(
            409,
            Map.of("Content-Type", "application/problem+json", "Idempotent-Replayed", "true"),
            "{\"type\":\"/idempotency/problems/" + slug + "\"}");

    assertThat(Reading.of(answer, true)).isEqualTo(new Reading(kind, false));
  }

  @Test
  void aBodyThatNobodyHasSeenMayBeAnyProblem() {
    Map<String, String> json = Map.of("Content-Type", "application/problem+json");

    assertThat(Reading.of(ReceivedAnswer.of(409, json::get, null), false).kind())
        .isEqualTo(Kind.UNKNOWN);
    assertThat(Reading.of(ReceivedAnswer.of(422, json::get, null), true).kind())
        .isEqualTo(Kind.TURNED_AWAY);
    assertThat(Reading.of(ReceivedAnswer.of(422, Map.<String, String>of()::get, null), true).kind())
        .isEqualTo(Kind.REFUSED);
  }

  @Test
  void aConflictMayBeARefusalOfTheOperation() {
    assertThat(Reading.of(plain(409), false)).isEqualTo(new Reading(Kind.REFUSED, false));
    assertThat(Reading.of(answer(409, Map.of("Retry-After", "1"), ""), false))
        .isEqualTo(new Reading(Kind.BUSY, true));
    assertThat(Reading.of(answer(409, Map.of("Stripe-Should-Retry", "true"), ""), false))
        .isEqualTo(new Reading(Kind.BUSY, true));
    assertThat(Reading.of(answer(409, Map.of("Stripe-Should-Retry", "false"), ""), true))
        .isEqualTo(new Reading(Kind.REFUSED, false));
    assertThat(Reading.of(problem(409, "{\"retryable\":false}"), true))
        .isEqualTo(new Reading(Kind.REFUSED, false));
  }

  @Test
  void whatTheServerSaysOfARepeatCounts() {
    assertThat(Reading.of(problem(503, "{\"retryable\":false}"), true).again()).isFalse();
    assertThat(Reading.of(problem(423, "{\"retryable\":true}"), true).again()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "\"text\"",
        "{",
        "{\"retryable\":\"true\"}",
        "{\"type\":7}",
        "{\"type\":\"/idempotency/problems/in-pro",
        "\u0000\u0001",
        "{\"a\":{\"retryable\":true}}"
      })
  void aBodyThatIsNoProblemExplainsNothing(String body) {
    ReceivedAnswer answer = problem(503, body);

    assertThat(answer.saysRetryable()).isNull();
    assertThat(answer.problemType()).isEmpty();
  }

  private static byte[] coded(String coding, byte[] content) {
    return switch (coding) {
      case "gzip", "X-GZip " -> Codings.gzip(content);
      case "deflate" -> Codings.deflate(content);
      default -> throw new IllegalArgumentException(coding);
    };
  }

  private static ReceivedAnswer codedProblem(int status, String coding, byte[] body) {
    return ReceivedAnswer.of(
        status,
        Map.of("Content-Type", "application/problem+json", "Content-Encoding", coding)::get,
        body);
  }

  private static final byte[] REUSED =
      "{\"type\":\"/idempotency/problems/key-reused\",\"retryable\":false}"
          .getBytes(StandardCharsets.UTF_8);

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "X-GZip ", "deflate"})
  void aProblemIsReadThroughItsCoding(String coding) {
    byte[] body = coded(coding, REUSED);
    ReceivedAnswer answer = codedProblem(422, coding, body);

    assertThat(answer.problemType()).hasValue("/idempotency/problems/key-reused");
    assertThat(answer.saysRetryable()).isFalse();
    assertThat(answer.body()).isEqualTo(body);
    assertThat(Reading.of(answer, true).kind()).isEqualTo(Kind.TURNED_AWAY);
  }

  @Test
  void deflateMayHaveNoHeader() {
    assertThat(codedProblem(422, "deflate", Codings.rawDeflate(REUSED)).problemType()).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate", "br", "identity"})
  void aClientMayLeaveTheHeaderOfABodyThatItHasDecoded(String coding) {
    assertThat(codedProblem(422, coding, REUSED).problemType()).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void aCodedBodyOfAnyLengthIsReadUpToABound(String coding) {
    byte[] blanks = new byte[40_000_000];
    Arrays.fill(blanks, (byte) ' ');
    byte[] body = coded(coding, blanks);
    assertThat(body).hasSizeLessThan(ReceivedAnswer.MOST_BODY_BYTES);
    byte[] content = ContentCodings.decoded(body, coding, 1000);

    assertThat(content).hasSize(1000).containsOnly(' ');
    assertThat(codedProblem(422, coding, body).problemType()).isEmpty();
  }

  @Test
  void aCodedBodyThatBreaksOffIsReadSoFar() {
    byte[] body = Codings.gzip(REUSED);
    byte[] withoutItsEnd = Arrays.copyOf(body, body.length - 8);

    assertThat(codedProblem(422, "gzip", withoutItsEnd).problemType()).isPresent();
    assertThat(codedProblem(422, "gzip", Arrays.copyOf(body, 12)).problemType()).isEmpty();
  }

  @Test
  void aBodyMayHaveSeveralGzipMembers() throws Exception {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.write(Codings.gzip(Arrays.copyOf(REUSED, 20)));
    body.write(Codings.gzip(new byte[0]));
    body.write(Codings.gzip(Arrays.copyOfRange(REUSED, 20, REUSED.length)));

    assertThat(codedProblem(422, "gzip", body.toByteArray()).problemType()).isPresent();
  }

  /** The JDK reads members without content by recursion. */
  @Test
  void manyEmptyMembersTakeNoStack() throws Exception {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    byte[] empty = Codings.gzip(new byte[0]);
    while (body.size() + empty.length <= ReceivedAnswer.MOST_BODY_BYTES) {
      body.write(empty);
    }
    AtomicReference<Object> found = new AtomicReference<>();
    Thread thread =
        new Thread(
            null,
            () -> found.set(Reading.of(codedProblem(422, "gzip", body.toByteArray()), true).kind()),
            "small",
            256 << 10);
    thread.setUncaughtExceptionHandler((any, failure) -> found.set(failure));
    thread.start();
    thread.join();

    assertThat(found.get()).isEqualTo(Kind.TURNED_AWAY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[{\"error\": 1}]", "\"no\"", " 7 "})
  void jsonThatIsNoObjectIsNoProblemInAnyCoding(String json) {
    byte[] content = json.getBytes(StandardCharsets.UTF_8);

    assertThat(Reading.of(codedProblem(422, "gzip", Codings.gzip(content)), true).kind())
        .isEqualTo(Kind.REFUSED);
    assertThat(Reading.of(codedProblem(422, "utf-8", content), true).kind())
        .isEqualTo(Kind.REFUSED);
  }

  /** What a success says is for the caller, whatever it looks like. */
  @Test
  void theBodyOfASuccessIsNotLookedAt() {
    ReceivedAnswer answer =
        ReceivedAnswer.ofEntity(
            202,
            Map.of("Content-Type", "application/json")::get,
            "{\"type\":\"/charges/in-progress\",\"retryable\":true}");

    assertThat(Reading.of(answer, true)).isEqualTo(new Reading(Kind.RAN, false));
    assertThat(answer.body()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "422, true, TURNED_AWAY",
    "400, true, TURNED_AWAY",
    "409, true, BUSY",
    "409, false, UNKNOWN",
    "500, true, UNKNOWN"
  })
  void aProblemThatCannotBeDecodedMayBeAny(int status, boolean conflictIsBusy, Kind kind) {
    byte[] body = {0x0b, 0x02, (byte) 0x80, 'x'};

    assertThat(Reading.of(codedProblem(status, "br", body), conflictIsBusy).kind()).isEqualTo(kind);
  }

  @Test
  void ofALongBodyOnlyTheBeginningIsKept() {
    assertThat(problem(500, "x".repeat(1 << 17)).body()).hasSize(ReceivedAnswer.MOST_BODY_BYTES);
  }
}
