package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Verb;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What callers of one key are told when the store works. */
class LeasedModeTest extends RunnerTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");
  private static final IdempotentRequest OTHER = KEY.comparing("99 EUR");

  private final Node node = Node.start(runner());
  private final Concurrency threads = new Concurrency();
  private final AtomicInteger runs = new AtomicInteger();

  @AfterEach
  void stop() {
    threads.close();
    node.close();
  }

  private Execution<String> run(Operation<String> operation, IdempotentRequest request) {
    return on(operation).execute(request, attempt -> "receipt-" + runs.incrementAndGet());
  }

  private static void assertRan(Execution<String> execution, String result) {
    assertThat(execution).isEqualTo(new Execution.Ran<>(result, Recording.STORED));
  }

  @Test
  void theFirstRequestRunsAndRepeatsAreGivenItsResult() {
    Operation<String> charge = node.operation().build();
    assertRan(run(charge, KEY), "receipt-1");
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Replayed<>("receipt-1"));
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Replayed<>("receipt-1"));
    assertThat(runs).hasValue(1);
    assertThat(node.decisions())
        .containsExactly(Decision.RAN, Decision.REPLAYED, Decision.REPLAYED);
    assertThat(charge.mode()).isEqualTo(Mode.LEASED);
    assertThat(charge.name()).isEqualTo("charge");
  }

  @Test
  void sourcesOperationsAndNamespacesKeepTheirOwnKeys() {
    Operation<String> charge = node.operation().build();
    run(charge, KEY);
    assertRan(run(charge, KEY.from("bob")), "receipt-2");
    assertRan(run(node.idempotency.operation("refund", String.class).build(), KEY), "receipt-3");
    try (Idempotency other = Idempotency.builder().store(node.memory).namespace("other").build()) {
      assertRan(run(other.operation("charge", String.class).build(), KEY), "receipt-4");
    }
  }

  @Test
  void aNullResultIsReplayedAsNull() {
    Operation<String> charge = node.operation().build();
    assertRan(on(charge).execute("k", () -> null), null);
    assertThat(on(charge).execute("k", () -> "again")).isEqualTo(new Execution.Replayed<>(null));
  }

  @Test
  void anOperationWithoutAResultRunsOnce() {
    Operation<Void> send = node.idempotency.operation("send").build();
    for (int i = 0; i < 3; i++) {
      assertThat(
              on(send)
                  .<RuntimeException>execute(
                      KEY,
                      attempt -> {
                        runs.incrementAndGet();
                        return null;
                      })
                  .orElseThrow())
          .isNull();
    }
    assertThat(runs).hasValue(1);
  }

  @Test
  void anOutcomeIsForgottenAfterItsRetention() {
    Operation<String> charge = node.operation().retention(Duration.ofHours(1)).build();
    run(charge, KEY);
    node.passes(Duration.ofMinutes(59));
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Replayed<>("receipt-1"));
    node.passes(Duration.ofMinutes(2));
    assertRan(run(charge, OTHER), "receipt-2");
  }

  @Test
  void aStormOnOneKeyRunsOnceAndAllAreGivenTheSameAnswer() {
    Operation<String> charge = node.operation().build();
    CountDownLatch running = new CountDownLatch(1);
    List<Execution<String>> answers =
        threads.together(
            64,
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          running.countDown();
                          return "receipt-" + runs.incrementAndGet();
                        }));
    assertThat(runs).hasValue(1);
    assertThat(answers).extracting(Execution::orElseThrow).containsOnly("receipt-1");
    assertThat(answers).filteredOn(Execution.Ran.class::isInstance).hasSize(1);
  }

  @Test
  void aStormOverTwoNodesRunsOnce() {
    try (Node other = node.neighbour()) {
      Operation<String> here = node.operation().build();
      Operation<String> there = other.operation().build();
      AtomicInteger turn = new AtomicInteger();
      List<Execution<String>> answers =
          threads.together(32, () -> run(turn.getAndIncrement() % 2 == 0 ? here : there, KEY));
      assertThat(runs).hasValue(1);
      assertThat(answers).extracting(Execution::orElseThrow).containsOnly("receipt-1");
    }
  }

  @Test
  void aDifferentRequestUnderTheKeyOfACompletedOneChangesNothing() {
    Operation<String> charge = node.operation().build();
    run(charge, KEY);
    assertThat(run(charge, OTHER)).isEqualTo(new Execution.KeyReused<>());
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Replayed<>("receipt-1"));
    assertThat(node.decisions()).contains(Decision.KEY_REUSED);
  }

  @Test
  void aDifferentRequestUnderTheKeyOfARunningOneIsToldAtOnce() {
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Started<Execution<String>> first =
        threads.start(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          running.countDown();
                          await(end);
                          return "first";
                        }));
    await(running);
    try (Node other = node.neighbour()) {
      assertThat(run(charge, OTHER)).as("follows").isEqualTo(new Execution.KeyReused<>());
      assertThat(run(other.operation().build(), OTHER))
          .as("on another node")
          .isEqualTo(new Execution.KeyReused<>());
    }
    end.countDown();
    assertRan(first.answer(), "first");
    assertThat(runs).hasValue(0);
  }

  @Test
  void aDifferentRequestThatWaitsForTheStoresAnswerIsToldOfItsMisuse() {
    Operation<String> charge = node.operation().build();
    run(charge, KEY);
    CountDownLatch claiming = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    node.store.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              claiming.countDown();
              await(answer);
            }));
    Started<Execution<String>> repeat = threads.start(() -> run(charge, KEY));
    await(claiming);
    Started<Execution<String>> misuse = threads.start(() -> run(charge, OTHER));
    misuse.awaitParked();
    answer.countDown();
    assertThat(repeat.answer()).isEqualTo(new Execution.Replayed<>("receipt-1"));
    assertThat(misuse.answer()).isEqualTo(new Execution.KeyReused<>());
  }

  @Test
  void aDifferentRequestUnderAnAbandonedKeyChangesNothing() {
    Operation<String> charge = node.operation().build();
    node.abandon(charge, KEY);
    assertThat(run(charge, OTHER)).isEqualTo(new Execution.KeyReused<>());
    Operation<String> retry = node.operation().onAbandoned(new AbandonedPolicy.Retry<>()).build();
    assertThat(run(retry, OTHER)).isEqualTo(new Execution.KeyReused<>());
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(runs).hasValue(0);
  }

  @Test
  void aFailureLeavesTheOutcomeUnknownUnlessSomebodySaysOtherwise() {
    Operation<String> charge = node.operation().build();
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          throw new IOException("timeout");
                        }));
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(runs).hasValue(0);
    assertThat(node.decisions())
        .containsExactly(Decision.ABANDONED, Decision.UNRESOLVED, Decision.UNRESOLVED);
  }

  @Test
  void errorsLeaveTheOutcomeUnknownToo() {
    Operation<String> charge = node.operation().build();
    assertThatExceptionOfType(StackOverflowError.class)
        .isThrownBy(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          throw new StackOverflowError();
                        }));
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Unresolved<>(1));
  }

  @Test
  void anInterruptedBodyThrowsToItsCaller() {
    Operation<String> charge = node.operation().build();
    assertThatExceptionOfType(InterruptedException.class)
        .isThrownBy(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          throw new InterruptedException("the body's own");
                        }));
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Unresolved<>(1));
  }

  @Test
  void aFailureThatPromisesThatNothingHappenedFreesTheKey() {
    Operation<String> charge = node.operation().releaseOn(IOException.class).build();
    assertThatExceptionOfType(java.io.FileNotFoundException.class)
        .isThrownBy(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          throw new java.io.FileNotFoundException();
                        }));
    assertRan(run(charge, OTHER), "receipt-1");
    assertThat(node.decisions()).containsExactly(Decision.FAILED, Decision.RAN);
  }

  @Test
  void anOperationMayFreeTheKeyOnEveryFailure() {
    Operation<String> charge = node.operation().onOtherFailure(Disposition.RELEASE).build();
    node.abandon(charge, KEY);
    assertRan(run(charge, KEY), "receipt-1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> node.operation().onOtherFailure(Disposition.RECORD))
        .withMessageContaining("recordFailure");
  }

  @Test
  void aRecordedFailureIsThrownToEveryRepeat() {
    Operation<String> charge =
        node.operation()
            .recordFailure(
                FailureMapping.ofMessage(
                    "declined", IllegalStateException.class, IllegalStateException::new))
            .build();
    node.abandon(charge, KEY); // throws "crash", which is now recorded
    for (int i = 0; i < 2; i++) {
      assertThatIllegalStateException().isThrownBy(() -> run(charge, KEY)).withMessage("crash");
    }
    assertThat(run(charge, OTHER)).isEqualTo(new Execution.KeyReused<>());
    assertThat(runs).hasValue(0);
    assertThat(node.decisions())
        .containsExactly(
            Decision.FAILED, Decision.REPLAYED, Decision.REPLAYED, Decision.KEY_REUSED);
  }

  @Test
  void followersOfARecordedFailureMeetItToo() {
    Operation<String> charge =
        node.operation()
            .recordFailure(FailureMapping.ofMessage("io", IOException.class, IOException::new))
            .build();
    List<String> messages =
        threads.together(
            16,
            () -> {
              try {
                return on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          runs.incrementAndGet();
                          throw new IOException("declined");
                        })
                    .toString();
              } catch (IOException e) {
                return e.getMessage();
              }
            });
    assertThat(messages).containsOnly("declined");
    assertThat(runs).hasValue(1);
  }

  @Test
  void aRecordedFailureThatIsNoLongerDeclaredIsNamed() {
    node.abandon(
        node.operation()
            .recordFailure(FailureMapping.ofMessage("old", Exception.class, Exception::new))
            .build(),
        KEY);
    assertThatExceptionOfType(ResultCodecException.class)
        .isThrownBy(() -> run(node.operation().build(), KEY))
        .withMessageContaining("'old'");
  }

  @Test
  void aFailureThatCannotBeEncodedLeavesTheOutcomeUnknown() {
    Operation<String> charge =
        node.operation()
            .recordFailure(
                new FailureMapping<>(
                    "f",
                    IllegalStateException.class,
                    ResultCodec.of(
                        failure -> {
                          throw new IllegalArgumentException("no");
                        },
                        bytes -> new IllegalStateException())))
            .build();
    node.abandon(charge, KEY);
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Unresolved<>(1));
  }

  @Test
  void aResultMayBeARejectionOrNothingOrUnknown() {
    Operation<String> charge =
        node.operation()
            .onResult(
                result ->
                    switch (result) {
                      case "nothing" -> Disposition.RELEASE;
                      case "timeout" -> Disposition.UNKNOWN;
                      case "declined" -> Disposition.RECORD_REJECTION;
                      default -> Disposition.RECORD;
                    })
            .build();
    assertThat(on(charge).execute("a", () -> "nothing"))
        .isEqualTo(new Execution.Ran<>("nothing", Recording.FREED));
    assertThat(on(charge).execute("a", () -> "declined"))
        .isEqualTo(new Execution.Ran<>("declined", Recording.STORED));
    assertThat(on(charge).execute("a", () -> "paid"))
        .isEqualTo(new Execution.Replayed<>("declined"));
    assertThat(on(charge).execute("b", () -> "timeout"))
        .isEqualTo(new Execution.Ran<>("timeout", Recording.UNKNOWN));
    assertThat(on(charge).execute("b", () -> "paid")).isEqualTo(new Execution.Unresolved<>(1));
  }

  @Test
  void aResultThatCannotBeClassifiedCountsAsUnknown() {
    Operation<String> throwing =
        node.operation()
            .onResult(
                result -> {
                  throw new LinkageError("no");
                })
            .build();
    assertThat(on(throwing).execute("a", () -> "x"))
        .isEqualTo(new Execution.Ran<>("x", Recording.UNKNOWN));
    assertThat(on(throwing).execute("a", () -> "y")).isEqualTo(new Execution.Unresolved<>(1));
    Operation<String> silent = node.operation().onResult(result -> null).build();
    assertThat(on(silent).execute("b", () -> "x"))
        .isEqualTo(new Execution.Ran<>("x", Recording.UNKNOWN));
  }

  @Test
  void aResultThatIsTooLargeReachesItsCallerAndRepeatsAreToldSo() {
    Operation<String> charge = node.operation().maxResultBytes(3).build();
    assertRan(on(charge).execute("a", () -> "four"), "four");
    assertThat(on(charge).execute("a", () -> "again"))
        .isInstanceOfSatisfying(
            Execution.ResultNotStored.class,
            answer ->
                assertThat(answer.reason())
                    .isEqualTo("it has 4 bytes, more than the 3 that are kept"));
    assertRan(on(charge).execute("b", () -> "abc"), "abc");
    assertThat(on(charge).execute("b", () -> "again")).isEqualTo(new Execution.Replayed<>("abc"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"exception", "recursion", "null"})
  void aResultThatCannotBeEncodedReachesItsCallerAndRepeatsAreToldSo(String trouble) {
    ResultCodec<String> codec =
        ResultCodec.of(
            value ->
                switch (trouble) {
                  case "exception" -> throw new IllegalArgumentException("no");
                  case "recursion" -> throw new StackOverflowError();
                  default -> null;
                },
            bytes -> "");
    Operation<String> charge = node.idempotency.operation("charge", codec).build();
    assertRan(on(charge).execute("a", () -> "x"), "x");
    assertThat(on(charge).execute("a", () -> "again"))
        .isInstanceOf(Execution.ResultNotStored.class);
  }

  @Test
  void aStoredResultThatCannotBeReadIsAnErrorAndStaysStored() {
    run(node.operation().build(), KEY);
    Operation<Integer> changed = node.idempotency.operation("charge", Integer.class).build();
    assertThatExceptionOfType(ResultCodecException.class)
        .isThrownBy(() -> on(changed).execute(KEY, attempt -> 1))
        .withMessageContaining("'charge'")
        .withMessageContaining("its record is intact")
        .withCauseInstanceOf(NumberFormatException.class);
    assertThat(run(node.operation().build(), KEY)).isEqualTo(new Execution.Replayed<>("receipt-1"));
  }

  @Test
  void aListenerThatThrowsDisturbsNobody() {
    for (Throwable trouble : List.of(new IllegalStateException(), new AssertionError())) {
      try (Idempotency idempotency =
          Idempotency.builder()
              .store(new InMemoryStore())
              .listener(
                  event -> {
                    if (trouble instanceof Error error) {
                      throw error;
                    }
                    throw (RuntimeException) trouble;
                  })
              .listener(node.events::add)
              .build()) {
        Operation<String> charge = idempotency.operation("charge", String.class).build();
        assertRan(on(charge).execute("k", () -> "a"), "a");
        assertThat(on(charge).execute("k", () -> "b")).isEqualTo(new Execution.Replayed<>("a"));
      }
    }
    assertThat(node.decisions()).hasSize(4);
  }

  @Test
  void operationsNestWithKeysOfTheirOwn() {
    Operation<String> outer = node.operation().build();
    Operation<String> inner = node.idempotency.operation("inner", String.class).build();
    for (int i = 0; i < 2; i++) {
      assertThat(
              on(outer)
                  .execute(
                      KEY,
                      attempt ->
                          run(inner, KEY).orElseThrow()
                              + run(inner, KEY.from("b")).orElseThrow()
                              + run(inner, KEY).orElseThrow())
                  .orElseThrow())
          .isEqualTo("receipt-1receipt-2receipt-1");
    }
  }

  @Test
  void anAttemptKnowsItsOperationItsKeysAndNoTransaction() {
    Operation<String> charge = node.operation().build();
    on(charge)
        .execute(
            KEY,
            attempt -> {
              assertThat(attempt.operation()).isEqualTo("charge");
              assertThat(attempt.number()).isEqualTo(1);
              assertThat(attempt.isOwner()).isTrue();
              assertThat(attempt.outgoingKey("a"))
                  .isEqualTo(attempt.outgoingKey("a"))
                  .isNotEqualTo(attempt.outgoingKey("b"));
              assertThatIllegalArgumentException().isThrownBy(() -> attempt.outgoingKey("\uD800"));
              assertThatIllegalStateException()
                  .isThrownBy(() -> attempt.unwrap(Object.class))
                  .withMessageContaining("leased");
              assertThat(attempt.toString()).doesNotContain("order-42");
              return "";
            });
  }

  @Test
  void settingsThatContradictEachOtherAreRefusedWithTheWayOut() {
    assertThatIllegalStateException()
        .isThrownBy(() -> node.operation().mode(Mode.TRANSACTIONAL).build())
        .withMessageContaining("no transactional store");
    assertThatIllegalStateException()
        .isThrownBy(() -> Idempotency.builder().build())
        .withMessageContaining("needs a store");
    List<Runnable> misuses =
        List.of(
            () -> node.operation().lease(Duration.ofMillis(99)),
            () -> node.operation().retention(Duration.ZERO),
            () -> node.operation().retryAfter(Duration.ofSeconds(-1)),
            () -> node.operation().waitAtMost(Duration.ofNanos(-1)),
            () -> node.operation().maxResultBytes(-1),
            () -> node.idempotency.operation(""),
            () -> node.idempotency.operation("x".repeat(201)),
            () -> node.idempotency.operation("half \uD800"),
            () -> Idempotency.builder().namespace("half \uDC00"),
            () -> Idempotency.builder().namespace("x".repeat(201)),
            () -> Idempotency.builder().maxWaiters(-1),
            () -> Idempotency.builder().blockingThreads(0),
            () -> Idempotency.builder().purgeEvery(Duration.ofNanos(-1)),
            () -> Idempotency.builder().shutdownWithin(Duration.ofNanos(-1)));
    assertThat(misuses)
        .allSatisfy(
            misuse -> assertThatThrownBy(misuse::run).isInstanceOf(IllegalArgumentException.class));
  }

  @Test
  void aMissingBodyIsRefusedBeforeTheKeyIsClaimed() {
    Operation<String> charge = node.operation().build();
    assertThatNullPointerException().isThrownBy(() -> charge.execute("k", null));
    assertThatNullPointerException().isThrownBy(() -> charge.execute(KEY, null));
    assertThatNullPointerException().isThrownBy(() -> charge.executeAsync(KEY, null));
    assertThat(node.memory.size()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {300L * 366 * 86_400, Long.MAX_VALUE / 1_000_000_000 - 1, Long.MAX_VALUE})
  void durationsThatMeanForEverWork(long seconds) {
    Duration forEver = Duration.ofSeconds(seconds);
    try (Idempotency idempotency =
        Idempotency.builder()
            .store(node.store)
            .purgeEvery(forEver)
            .shutdownWithin(forEver)
            .listener(node.events::add)
            .build()) {
      Operation<String> charge =
          idempotency
              .operation("charge", String.class)
              .retention(forEver)
              .lease(forEver)
              .waitAtMost(forEver)
              .retryAfter(forEver)
              .build();
      node.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
      assertThat(run(charge, KEY)).isEqualTo(new Execution.Ran<>("receipt-1", Recording.PENDING));
      node.store.heal(Verb.COMPLETE);
      assertThat(run(charge, KEY)).isEqualTo(new Execution.Replayed<>("receipt-1"));
      node.passes(Duration.ofDays(20 * 365));
      assertThat(run(charge, KEY)).isEqualTo(new Execution.Replayed<>("receipt-1"));
    }
  }

  @Test
  void aLeaseForEverDoesNotEndTheHeartbeatOfTheOthers() {
    Operation<String> forEver =
        node.idempotency
            .operation("for-ever", String.class)
            .lease(Duration.ofSeconds(Long.MAX_VALUE))
            .build();
    Operation<String> brief = node.operation().lease(Duration.ofMillis(100)).build();
    on(forEver)
        .execute(
            KEY,
            outer -> {
              // Once the heartbeat has looked at the long lease…
              run(brief, KEY.from("first"));
              return on(brief)
                  .execute(
                      KEY,
                      attempt -> {
                        int before = node.store.calls(Verb.RENEW);
                        Concurrency.awaitUntil(
                            "the short lease is renewed again and again",
                            () -> node.store.calls(Verb.RENEW) >= before + 3);
                        return "";
                      })
                  .orElseThrow();
            });
  }
}
