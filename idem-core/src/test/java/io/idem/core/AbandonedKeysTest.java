package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.idem.core.AbandonedPolicy.Recover;
import io.idem.core.AbandonedPolicy.Recovery;
import io.idem.core.AbandonedPolicy.RecoveryHook;
import io.idem.core.AbandonedPolicy.Retry;
import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Leases: kept, lost, run out, taken over, recovered. */
class AbandonedKeysTest extends RunnerTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");

  private final Node node = Node.start(runner());
  private final Node other = node.neighbour();
  private final Concurrency threads = new Concurrency();
  private final AtomicInteger runs = new AtomicInteger();

  @AfterEach
  void stop() {
    threads.close();
    other.close();
    node.close();
  }

  private Operation<String> refusing(Node on) {
    return on.operation().build();
  }

  private Operation<String> retrying(Node on) {
    return on.operation().onAbandoned(new Retry<>()).build();
  }

  private Operation<String> recovering(Node on, RecoveryHook<String> hook) {
    return on.operation().onAbandoned(new Recover<>(hook)).build();
  }

  private Execution<String> run(Operation<String> operation) {
    return on(operation).execute(KEY, attempt -> "run-" + runs.incrementAndGet());
  }

  /** A run whose node stops renewing and answers only when it is told to go on. */
  private final class Paused {
    final CountDownLatch running = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    final AtomicReference<Attempt> attempt = new AtomicReference<>();
    final Started<Execution<String>> run;

    Paused(Operation<String> operation) {
      run =
          threads.start(
              () ->
                  on(operation)
                      .execute(
                          KEY,
                          started -> {
                            attempt.set(started);
                            running.countDown();
                            await(goOn);
                            return "paused";
                          }));
      await(running);
    }

    Execution<String> end() {
      goOn.countDown();
      return run.answer();
    }
  }

  @Test
  void theHeartbeatKeepsALeaseFarBeyondItsFirstLength() {
    Duration lease = Duration.ofMillis(150);
    Operation<String> charge = node.operation().lease(lease).build();
    Execution<String> answer =
        on(charge)
            .execute(
                KEY,
                attempt -> {
                  for (int i = 0; i < 10; i++) {
                    int renewals = node.store.calls(Verb.RENEW);
                    Concurrency.awaitUntil(
                        "the lease is renewed", () -> node.store.calls(Verb.RENEW) > renewals);
                    node.passes(lease.multipliedBy(9).dividedBy(10));
                    assertThat(
                            on(other
                                    .operation()
                                    .waitAtMost(Duration.ZERO)
                                    .onAbandoned(new Retry<>())
                                    .build())
                                .execute(KEY, stolen -> "stolen"))
                        .isInstanceOf(Execution.Busy.class);
                  }
                  return "done";
                });
    assertThat(answer).isEqualTo(new Execution.Ran<>("done", Recording.STORED));
  }

  @Test
  void aFailingRenewalIsTriedAgain() {
    Operation<String> charge = node.operation().lease(Duration.ofMillis(100)).build();
    node.store.on(
        Verb.RENEW,
        new ScriptedStore.Fault() {
          @Override
          public <R> R apply(java.util.function.Supplier<R> real) {
            throw new LinkageError("even an error");
          }
        });
    Execution<String> answer =
        on(charge)
            .execute(
                KEY,
                attempt -> {
                  node.awaitDecision(Decision.STORE_FAILURE);
                  node.store.heal(Verb.RENEW);
                  int before = node.store.calls(Verb.RENEW);
                  Concurrency.awaitUntil(
                      "renewals go on", () -> node.store.calls(Verb.RENEW) > before + 1);
                  return "done";
                });
    assertThat(answer).isEqualTo(new Execution.Ran<>("done", Recording.STORED));
    assertThat(node.decisions()).doesNotContain(Decision.LEASE_LOST);
  }

  @Test
  void aRenewalThatMeetsTheRunsOwnEndIsNoLossOfTheLease() {
    Operation<String> charge = node.operation().lease(Duration.ofMillis(100)).build();
    node.store.on(
        Verb.COMPLETE,
        ScriptedStore.before(
            () -> {
              int before = node.store.calls(Verb.RENEW);
              Concurrency.awaitUntil(
                  "a renewal comes after the completion",
                  () -> node.store.calls(Verb.RENEW) > before + 1);
            }));
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
    assertThat(node.decisions()).containsExactly(Decision.RAN);
  }

  @Test
  void aKeyWhoseOwnerVanishedIsRefusedUntilSomebodySettlesIt() {
    Paused paused = new Paused(refusing(node));
    node.passes(Node.LEASE.plusMillis(1));
    assertThat(run(refusing(other))).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(paused.end())
        .as("a lease that ran out but was not taken over may still be completed")
        .isEqualTo(new Execution.Ran<>("paused", Recording.STORED));
    assertThat(run(refusing(other))).isEqualTo(new Execution.Replayed<>("paused"));
  }

  @Test
  void anOwnerThatLostItsLeaseCannotOverwriteItsSuccessor() {
    Paused paused = new Paused(refusing(node));
    node.passes(Node.LEASE.plusMillis(1));
    assertThat(run(retrying(other))).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
    assertThat(paused.end()).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(node.decisions()).containsExactly(Decision.LEASE_LOST, Decision.UNRESOLVED);
    assertThat(run(refusing(node))).isEqualTo(new Execution.Replayed<>("run-1"));
  }

  @Test
  void anOwnerThatLostItsLeaseCannotFreeItsSuccessorsKey() {
    Operation<String> freeing = node.operation().onResult(result -> Disposition.RELEASE).build();
    Paused paused = new Paused(freeing);
    node.passes(Node.LEASE.plusMillis(1));
    Paused successor = new Paused(retrying(other));
    assertThat(paused.end()).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(node.decisions()).contains(Decision.LEASE_LOST);
    assertThat(successor.end()).isEqualTo(new Execution.Ran<>("paused", Recording.STORED));
  }

  @Test
  void anOwnerThatLostItsLeaseCannotGiveUpItsSuccessorsKey() {
    Operation<String> unknown = node.operation().onResult(result -> Disposition.UNKNOWN).build();
    Paused paused = new Paused(unknown);
    node.passes(Node.LEASE.plusMillis(1));
    Paused successor = new Paused(retrying(other));
    paused.end();
    assertThat(node.decisions()).contains(Decision.LEASE_LOST).doesNotContain(Decision.ABANDONED);
    assertThat(run(node.operation().waitAtMost(Duration.ZERO).build()))
        .isInstanceOf(Execution.Busy.class);
    assertThat(successor.end()).isEqualTo(new Execution.Ran<>("paused", Recording.STORED));
  }

  @Test
  void aRunningBodyLearnsThatItsLeaseIsLost() {
    Operation<String> brief = node.operation().lease(Duration.ofMillis(100)).build();
    node.store.on(Verb.RENEW, ScriptedStore.DOWN);
    Paused paused = new Paused(brief);
    node.passes(Duration.ofMillis(101));
    run(retrying(other));
    assertThat(paused.attempt.get().isOwner()).isTrue();
    node.store.heal(Verb.RENEW);
    Concurrency.awaitUntil("it learns", () -> !paused.attempt.get().isOwner());
    assertThat(paused.end()).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(node.decisions().stream().filter(d -> d == Decision.LEASE_LOST)).hasSize(1);
  }

  @Test
  void aRetryRunsAgainAndItsAttemptNumberGrows() {
    Operation<String> charge = retrying(node);
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int run = i;
      try {
        on(charge)
            .execute(
                KEY,
                attempt -> {
                  numbers.add(attempt.number());
                  if (run < 2) {
                    throw new IllegalStateException("crash");
                  }
                  return "done";
                });
      } catch (IllegalStateException e) {
        assertThat(e).hasMessage("crash");
      }
    }
    assertThat(numbers).containsExactly(1, 2, 3);
    assertThat(run(charge)).isEqualTo(new Execution.Replayed<>("done"));
    assertThat(node.decisions()).contains(Decision.TAKEN_OVER);
  }

  @Test
  void aRetryWithNothingDoneSaysNothingOfTheRunBefore() {
    node.abandon(refusing(node), KEY);
    Operation<String> charge =
        node.operation()
            .onAbandoned(new Retry<>())
            .onResult(r -> r.equals("nothing") ? Disposition.RELEASE : Disposition.RECORD)
            .build();
    assertThat(on(charge).execute(KEY, attempt -> "nothing"))
        .isEqualTo(new Execution.Ran<>("nothing", Recording.FREED));
    assertThat(run(refusing(node))).as("unknown still").isEqualTo(new Execution.Unresolved<>(2));
    assertThat(on(charge).execute(KEY, attempt -> "attempt " + attempt.number()).orElseThrow())
        .isEqualTo("attempt 3");
  }

  @Test
  void whoHasNothingToCompareTakesOverForTheRecordsOwnRequest() {
    node.abandon(refusing(node), KEY);
    IdempotentRequest nothing = IdempotentRequest.of("order-42");
    assertThat(on(retrying(node)).execute(nothing, attempt -> "done").orElseThrow())
        .isEqualTo("done");
    assertThat(on(refusing(node)).execute(KEY.comparing("99 EUR"), attempt -> "x"))
        .isEqualTo(new Execution.KeyReused<>());
    assertThat(run(refusing(node))).isEqualTo(new Execution.Replayed<>("done"));
  }

  @Test
  void aRecoveryThatFindsTheResultStoresIt() {
    node.abandon(refusing(node), KEY);
    Operation<String> charge =
        recovering(
            node, attempt -> new Recovery.Happened<>("found by attempt " + attempt.number()));
    assertThat(run(charge)).isEqualTo(new Execution.Replayed<>("found by attempt 2"));
    assertThat(run(refusing(node))).isEqualTo(new Execution.Replayed<>("found by attempt 2"));
    assertThat(runs).hasValue(0);
  }

  @Test
  void aRecoveryThatFindsNothingLetsTheBodyRun() {
    node.abandon(refusing(node), KEY);
    assertThat(run(recovering(node, attempt -> new Recovery.DidNotHappen<>())))
        .isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
  }

  @Test
  void aRecoveryThatCannotTellLeavesTheKeyAbandoned() {
    node.abandon(refusing(node), KEY);
    List<RecoveryHook<String>> hooks =
        List.of(
            attempt -> new Recovery.StillUnknown<>(),
            attempt -> {
              throw new Exception("no answer");
            },
            attempt -> null);
    int attempt = 1;
    for (RecoveryHook<String> hook : hooks) {
      assertThat(run(recovering(node, hook))).isEqualTo(new Execution.Unresolved<>(++attempt));
    }
    assertThat(run(refusing(node))).isEqualTo(new Execution.Unresolved<>(attempt));
    assertThat(runs).hasValue(0);
  }

  @Test
  void anErrorInARecoveryLeavesTheKeyAbandonedAtOnce() {
    node.abandon(refusing(node), KEY);
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(
            () ->
                run(
                    recovering(
                        node,
                        attempt -> {
                          throw new AssertionError("bug");
                        })));
    assertThat(run(refusing(other))).isEqualTo(new Execution.Unresolved<>(2));
    assertThat(runs).hasValue(0);
  }

  @Test
  void onlyOneCallerRecovers() {
    node.abandon(refusing(node), KEY);
    AtomicInteger hooks = new AtomicInteger();
    RecoveryHook<String> hook =
        attempt -> {
          hooks.incrementAndGet();
          return new Recovery.Happened<>("found");
        };
    Operation<String> here = recovering(node, hook);
    Operation<String> there = recovering(other, hook);
    AtomicInteger turn = new AtomicInteger();
    assertThat(threads.together(16, () -> run(turn.getAndIncrement() % 2 == 0 ? here : there)))
        .containsOnly(new Execution.Replayed<>("found"));
    assertThat(hooks).hasValue(1);
  }

  @Test
  void aRecoveryThatLostItsLeaseRunsNoBody() {
    node.abandon(refusing(node), KEY);
    Execution<String> answer =
        run(
            recovering(
                node,
                attempt -> {
                  node.passes(Node.LEASE.plusMillis(1)); // it took too long
                  assertThat(run(recovering(other, again -> new Recovery.DidNotHappen<>())))
                      .isInstanceOf(Execution.Ran.class);
                  return new Recovery.DidNotHappen<>();
                }));
    assertThat(answer).isEqualTo(new Execution.Unresolved<>(2));
    assertThat(runs).as("the successor's run only").hasValue(1);
    assertThat(node.decisions()).contains(Decision.LEASE_LOST);
  }

  @Test
  void aRecoveryWhoseResultComesTooLateIsNotTheAnswer() {
    node.abandon(refusing(node), KEY);
    Execution<String> answer =
        run(
            recovering(
                node,
                attempt -> {
                  node.passes(Node.LEASE.plusMillis(1));
                  run(recovering(other, again -> new Recovery.Happened<>("theirs")));
                  return new Recovery.Happened<>("mine");
                }));
    assertThat(answer).isEqualTo(new Execution.Unresolved<>(2));
    assertThat(run(refusing(node))).isEqualTo(new Execution.Replayed<>("theirs"));
  }

  @Test
  void aRecoveryThatCannotConfirmItsLeaseRunsNoBody() {
    node.abandon(refusing(node), KEY);
    Execution<String> answer =
        run(
            recovering(
                node,
                attempt -> {
                  node.store.on(Verb.RENEW, ScriptedStore.DOWN);
                  return new Recovery.DidNotHappen<>();
                }));
    assertThat(answer).isEqualTo(new Execution.Unresolved<>(2));
    assertThat(runs).hasValue(0);
  }

  @Test
  void aTakeOverWhoseAnswerIsLostDoesNotMakeAnUnknownOutcomeForgotten() {
    node.abandon(refusing(node), KEY);
    AtomicInteger hooks = new AtomicInteger();
    Operation<String> charge =
        recovering(
            node,
            attempt -> {
              hooks.incrementAndGet();
              return new Recovery.Happened<>("found");
            });
    AtomicInteger claims = new AtomicInteger();
    node.store.on(
        Verb.CLAIM,
        new ScriptedStore.Fault() {
          @Override
          public <R> R apply(java.util.function.Supplier<R> real) {
            R answer = real.get();
            if (claims.incrementAndGet() == 2) {
              throw ScriptedStore.down();
            }
            return answer;
          }
        });
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(() -> run(charge));
    node.store.heal(Verb.CLAIM);
    Concurrency.awaitUntil(
        "the precaution was taken",
        () -> node.store.calls(Verb.RENEW) + node.store.calls(Verb.RELEASE) > 1);
    assertThat(run(charge)).isEqualTo(new Execution.Replayed<>("found"));
    assertThat(hooks).hasValue(1);
    assertThat(runs).as("the first run may have happened").hasValue(0);
  }
}
