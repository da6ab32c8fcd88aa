package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Disposition;
import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.core.Recording;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionalStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HttpIdempotencyTest {

  private final FailingStore store = new FailingStore();
  private final Idempotency engine = Idempotency.builder().store(store).build();
  private final HttpIdempotency protocol =
      HttpIdempotency.builder().publishRetention(false).build();
  private final AtomicInteger runs = new AtomicInteger();

  static HttpEndpoint.Builder endpoint(String operation) {
    return HttpEndpoint.builder(
        HttpIdempotency.operation(Idempotency.inMemory(), operation).build());
  }

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void p12_aMalformedKeyIsToldBeforeAnythingElseIsAsked() throws Exception {
    HttpAnswer answer =
        protocol.execute(
            pay().build(),
            new Request(Map.of("Idempotency-Key", "a,b"), null) {
              @Override
              public RequestBody body(int maxBytes) {
                throw new AssertionError("The body of a refused request is not read");
              }
            },
            attempt -> responded(200));

    assertThat(problem(answer).type()).isEqualTo(ProblemType.KEY_MALFORMED);
    assertThat(store.claims).hasValue(0);
  }

  @Test
  void p12_reusedIsToldBeforeBusy() throws Exception {
    HttpEndpoint endpoint = pay().build();
    HttpAnswer[] inner = new HttpAnswer[1];

    protocol.execute(
        endpoint,
        request("k", "one"),
        attempt -> {
          inner[0] = protocol.execute(endpoint, request("k", "other"), second -> responded(200));
          return responded(200);
        });

    assertThat(problem(inner[0]).type()).isEqualTo(ProblemType.KEY_REUSED);
  }

  @Test
  void p08_withoutACallerNothingRunsUnlessKeysAreShared() throws Exception {
    Request anonymous = new Request(Map.of("Idempotency-Key", "k"), null);

    assertThat(problem(protocol.execute(pay().build(), anonymous, a -> responded(200))).type())
        .isEqualTo(ProblemType.CALLER_REQUIRED);
    assertThat(
            protocol.execute(
                pay().callerScope(CallerScope.SHARED).build(), anonymous, a -> responded(200)))
        .isEqualTo(new HttpAnswer.Fresh(Recording.STORED));
  }

  @Test
  void p35_aStoreThatIsDownAtTheClaimRefuses() throws Exception {
    store.claimsFail = true;

    HttpAnswer answer = run(pay().build(), "k", 200);

    assertThat(problem(answer).type()).isEqualTo(ProblemType.STORE_UNAVAILABLE);
    assertThat(problem(answer).retryAfter()).isNotNull();
    assertThat(runs).hasValue(0);
  }

  @Test
  void p35_aStoreThatIsDownAtCompletionDeliversAndDoesNotRunAgain() throws Exception {
    HttpEndpoint endpoint = pay().build();
    store.completionsFail = true;

    assertThat(run(endpoint, "k", 200)).isEqualTo(new HttpAnswer.Fresh(Recording.PENDING));
    assertThat(problem(run(endpoint, "k", 200)).type()).isEqualTo(ProblemType.IN_PROGRESS);
    assertThat(runs).hasValue(1);
    store.completionsFail = false;
  }

  @Test
  void p35_aStoreFailureOfTheHandlersOwnPassesThrough() {
    StoreUnavailableException own = new StoreUnavailableException("another store", null);

    assertThatThrownBy(
            () ->
                protocol.execute(
                    pay().build(),
                    request("k", "x"),
                    attempt -> {
                      throw own;
                    }))
        .isSameAs(own);
  }

  /** To be told to send it again would be to be told so for ever. */
  @Test
  void p35_aCommitThatIsRefusedIsTheHandlersFailure() {
    CommitRefusedException refused = new CommitRefusedException("does not balance", null);
    TransactionalStore refusing =
        new TransactionalStore() {
          @Override
          public <R extends @Nullable Object, X extends Throwable> R inTransaction(
              TransactionWork<R, X> work) {
            throw refused;
          }
        };
    try (Idempotency transactional = Idempotency.builder().transactionalStore(refusing).build()) {
      HttpEndpoint endpoint =
          HttpEndpoint.builder(HttpIdempotency.operation(transactional, "pay").build())
              .callerScope(CallerScope.SHARED)
              .build();
      assertThatThrownBy(
              () -> protocol.execute(endpoint, request("k", "x"), attempt -> responded(200)))
          .isSameAs(refused);
    }
  }

  @Test
  void p18_aFailureLeavesTheOutcomeUnknownAndIsThrownUnchanged() throws Exception {
    IOException failure = new IOException("boom");
    HttpEndpoint endpoint = pay().build();

    assertThatThrownBy(
            () ->
                protocol.execute(
                    endpoint,
                    request("k", "x"),
                    attempt -> {
                      throw failure;
                    }))
        .isSameAs(failure);
    Problem problem = problem(run(endpoint, "k", 200));
    assertThat(problem.type()).isEqualTo(ProblemType.OUTCOME_UNKNOWN);
    assertThat(problem.type().retryable()).isFalse();
    assertThat(runs).hasValue(0);
  }

  @Test
  void p21_aReleasingStatusFreesTheKey() throws Exception {
    HttpEndpoint endpoint = pay().build();

    assertThat(run(endpoint, "k", 429)).isEqualTo(new HttpAnswer.Fresh(Recording.FREED));
    assertThat(run(endpoint, "k", 200)).isEqualTo(new HttpAnswer.Fresh(Recording.STORED));
    assertThat(runs).hasValue(2);
  }

  @Test
  void p21_aServerErrorIsUnknownUnlessThePolicySaysOtherwise() throws Exception {
    assertThat(run(pay().build(), "unknown", 500))
        .isEqualTo(new HttpAnswer.Fresh(Recording.UNKNOWN));
    assertThat(run(with(Disposition.RELEASE), "free", 500))
        .isEqualTo(new HttpAnswer.Fresh(Recording.FREED));
    assertThat(run(with(Disposition.RECORD), "kept", 500))
        .isEqualTo(new HttpAnswer.Fresh(Recording.STORED));
    assertThat(run(with(Disposition.RECORD), "kept", 200))
        .isInstanceOfSatisfying(
            HttpAnswer.Replay.class,
            replay -> assertThat(replay.response().status()).isEqualTo(500));
  }

  @Test
  void p24_anOversizeAnswerIsDeliveredOnceAndNeverRunAgain() throws Exception {
    HttpEndpoint endpoint = pay().maxStoredBytes(3).build();

    assertThat(run(endpoint, "k", 200)).isEqualTo(new HttpAnswer.Fresh(Recording.STORED));
    assertThat(problem(run(endpoint, "k", 200)).type()).isEqualTo(ProblemType.ANSWER_NOT_STORED);
    assertThat(runs).hasValue(1);
  }

  @Test
  void p24_theEnginesOwnBoundGivesTheSameAnswer() throws Exception {
    HttpEndpoint endpoint =
        HttpEndpoint.builder(HttpIdempotency.operation(engine, "small").maxResultBytes(5).build())
            .build();

    assertThat(run(endpoint, "k", 200)).isEqualTo(new HttpAnswer.Fresh(Recording.STORED));
    assertThat(problem(run(endpoint, "k", 200)).type()).isEqualTo(ProblemType.ANSWER_NOT_STORED);
    assertThat(runs).hasValue(1);
  }

  @Test
  void p25_theHandlerHasTheLastWord() throws Exception {
    HttpEndpoint endpoint = pay().build();
    HandlerResponse nothing =
        new HandlerResponse(
            200,
            List.of(),
            new HandlerResponse.Body(new byte[0]),
            HandlerResponse.Directive.NOTHING_HAPPENED);
    HandlerResponse secret =
        new HandlerResponse(
            200,
            List.of(),
            new HandlerResponse.Body(new byte[0]),
            HandlerResponse.Directive.DO_NOT_KEEP);

    assertThat(protocol.execute(endpoint, request("a", "x"), attempt -> nothing))
        .isEqualTo(new HttpAnswer.Fresh(Recording.FREED));
    assertThat(protocol.execute(endpoint, request("b", "x"), attempt -> secret))
        .isEqualTo(new HttpAnswer.Fresh(Recording.STORED));
    assertThat(problem(run(endpoint, "b", 200)).type()).isEqualTo(ProblemType.ANSWER_NOT_STORED);
    assertThat(runs).hasValue(0);
  }

  @Test
  void p26_aRecordThatCannotBeReadIsNeverRunAgain() throws Exception {
    HttpEndpoint endpoint = pay().build();
    run(endpoint, "k", 200);
    store.damage = true;

    assertThat(problem(run(endpoint, "k", 200)).type()).isEqualTo(ProblemType.ANSWER_NOT_STORED);
    assertThat(runs).hasValue(1);
  }

  @Test
  void p33_noProblemEchoesTheKey() throws Exception {
    HttpEndpoint endpoint = pay().build();
    run(endpoint, "s3cret", 200);

    for (HttpAnswer answer :
        List.of(
            protocol.execute(endpoint, request("s3cret", "other"), attempt -> responded(200)),
            protocol.execute(endpoint, request("s3cret,", "x"), attempt -> responded(200)))) {
      assertThat(new String(problem(answer).toJson(), StandardCharsets.UTF_8))
          .doesNotContain("s3cret")
          .contains("\"type\":\"/idempotency/problems/");
    }
  }

  @Test
  void p30_authorizationIsAskedOfEveryRequestThatTheStoreWouldBeAskedFor() throws Exception {
    HttpEndpoint endpoint = pay().build();
    run(endpoint, "k", 200);
    int claims = store.claims.get();
    IOException denied = new IOException("denied");
    Request revoked =
        new Request(Map.of("Idempotency-Key", "k"), "x") {
          @Override
          public String caller() {
            return "alice";
          }

          @Override
          public void authorize() throws IOException {
            throw denied;
          }
        };

    assertThatThrownBy(() -> protocol.execute(endpoint, revoked, attempt -> responded(200)))
        .isSameAs(denied);
    assertThat(store.claims).hasValue(claims);
  }

  @Test
  void p12_aRequestThatIsRefusedAnywayIsNotAuthorized() throws Exception {
    Request malformed =
        new Request(Map.of("Idempotency-Key", "a,b"), null) {
          @Override
          public void authorize() {
            throw new AssertionError("The authorization of a refused request is not asked for");
          }
        };

    assertThat(
            problem(protocol.execute(pay().build(), malformed, attempt -> responded(200))).type())
        .isEqualTo(ProblemType.KEY_MALFORMED);
  }

  @Test
  void p27_aDialectSpellsTheAnswersOfItsEndpoint() throws Exception {
    HttpEndpoint endpoint = pay().dialect(new Shouting()).build();

    HttpAnswer unkeyed = run(endpoint, "k", 200);
    HttpAnswer fresh = protocol.execute(endpoint, shouted(null), attempt -> responded(200));
    HttpAnswer replay =
        protocol.execute(endpoint, shouted("http://shop.example"), attempt -> responded(500));

    assertThat(problem(unkeyed).type()).isEqualTo(ProblemType.KEY_MISSING);
    assertThat(problem(unkeyed).status()).isEqualTo(418);
    StoredResponse rendered = protocol.render(endpoint, shouted(null), problem(unkeyed));
    assertThat(rendered.status()).isEqualTo(418);
    assertThat(new String(rendered.body(), StandardCharsets.UTF_8)).isEqualTo("KEY-MISSING!");
    assertThat(fresh)
        .isEqualTo(
            new HttpAnswer.Fresh(Recording.STORED, List.of(new HeaderField("X-Said", "first"))));
    assertThat(replay)
        .isInstanceOfSatisfying(
            HttpAnswer.Replay.class,
            answer ->
                assertThat(answer.response().headers())
                    .contains(
                        new HeaderField("Idempotent-Replayed", "true"),
                        new HeaderField("X-Said", "again"),
                        new HeaderField(
                            "Access-Control-Expose-Headers", "Idempotent-Replayed, X-Said")));
  }

  @Test
  void p33_whatHasNoEndpointIsRefusedInTheDialectOfTheProtocol() {
    HttpIdempotency shouting =
        HttpIdempotency.builder().dialect(new Shouting()).problemBase("/why").build();

    StoredResponse shouted =
        shouting.render(request("k", "x"), ProblemType.KEY_REUSED, "detail", null);
    StoredResponse plain =
        protocol.render(request("k", "x"), ProblemType.KEY_REUSED, "detail", null);

    assertThat(shouting.problemBase()).isEqualTo("/why");
    assertThat(new String(shouted.body(), StandardCharsets.UTF_8)).isEqualTo("KEY-REUSED!");
    assertThat(shouted.status()).isEqualTo(418);
    assertThat(new String(plain.body(), StandardCharsets.UTF_8))
        .contains("/idempotency/problems/key-reused");
    assertThat(plain.status()).isEqualTo(422);
  }

  private static Request shouted(String origin) {
    Map<String, String> headers =
        origin == null ? Map.of("X-LOUD", "k") : Map.of("X-LOUD", "k", "Origin", origin);
    return new Request(headers, "x") {
      @Override
      public String caller() {
        return "alice";
      }
    };
  }

  private HttpEndpoint.Builder pay() {
    return HttpEndpoint.builder(
        HttpIdempotency.operation(engine, "pay").waitAtMost(Duration.ZERO).build());
  }

  private HttpEndpoint with(Disposition serverErrors) {
    return pay().responsePolicy(ResponsePolicy.DEFAULT.onServerError(serverErrors)).build();
  }

  private HttpAnswer run(HttpEndpoint endpoint, String key, int status) throws IOException {
    return protocol.execute(
        endpoint,
        request(key, "x"),
        attempt -> {
          runs.incrementAndGet();
          return responded(status);
        });
  }

  private static HandlerResponse responded(int status) {
    return new HandlerResponse(
        status,
        List.of(new HeaderField("Content-Type", "text/plain")),
        new HandlerResponse.Body(new byte[] {'d', 'o', 'n', 'e'}),
        HandlerResponse.Directive.BY_STATUS);
  }

  private static Request request(String key, String query) {
    return new Request(Map.of("Idempotency-Key", key), query) {
      @Override
      public String caller() {
        return "alice";
      }
    };
  }

  private static Problem problem(HttpAnswer answer) {
    assertThat(answer).isInstanceOf(HttpAnswer.Refusal.class);
    return ((HttpAnswer.Refusal) answer).problem();
  }

  private static final class Shouting implements HttpDialect {

    @Override
    public String name() {
      return "shouting";
    }

    @Override
    public KeySource keySource(KeySyntax configured) {
      return KeySource.header(configured.in("X-LOUD"));
    }

    @Override
    public int statusOf(ProblemType type, int configured) {
      return 418;
    }

    @Override
    public StoredResponse refusal(Problem problem, HttpRequestHead request) {
      return new StoredResponse(
          problem.status(),
          List.of(),
          (problem.type().slug().toUpperCase(Locale.ROOT) + "!").getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public List<HeaderField> onFresh(HttpRequestHead request) {
      return List.of(new HeaderField("X-Said", "first"));
    }

    @Override
    public List<HeaderField> onReplay(HttpRequestHead request) {
      return List.of(new HeaderField("X-Said", "again"));
    }
  }

  /** Of a caller that nobody knows. */
  private static class Request extends Post {

    private final String query;

    Request(Map<String, String> headers, String query) {
      super(headers);
      this.query = query;
    }

    @Override
    public String query() {
      return query;
    }

    @Override
    public String caller() {
      return null;
    }
  }

  private static final class FailingStore implements IdempotencyStore {

    private final IdempotencyStore memory = new InMemoryStore();
    private final AtomicInteger claims = new AtomicInteger();
    private volatile boolean claimsFail;
    private volatile boolean completionsFail;
    private volatile boolean damage;

    @Override
    public Claim claim(ClaimRequest request) {
      claims.incrementAndGet();
      if (claimsFail) {
        throw new StoreUnavailableException("down", null);
      }
      Claim claim = memory.claim(request);
      return damage && claim instanceof Claim.Completed completed
          ? new Claim.Completed(completed.fingerprint(), StoredOutcome.result(new byte[] {9, 9}))
          : claim;
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      if (completionsFail) {
        throw new StoreUnavailableException("down", null);
      }
      return memory.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return memory.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return memory.renew(lease, leaseFor);
    }
  }
}
