package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many keys under leases, on a store with batches and on one without. */
class LeasedBatchTest {

  private static final Duration LEASE = Duration.ofSeconds(30);

  private final AtomicLong clock = new AtomicLong();
  private final InMemoryStore memory = new InMemoryStore(1_000, clock::get);
  private final Batching batching = new Batching();
  private final List<DecisionEvent> events = new CopyOnWriteArrayList<>();
  private final Idempotency idempotency = node(batching);
  private final Idempotency plain = node(new ScriptedStore(memory));

  private Idempotency node(IdempotencyStore store) {
    return Idempotency.builder()
        .store(store)
        .listener(events::add)
        .shutdownWithin(Duration.ofSeconds(2))
        .build();
  }

  @AfterEach
  void stop() {
    idempotency.close();
    plain.close();
  }

  /** A store with batches that counts them, and fails if the test says so. */
  private final class Batching implements IdempotencyStore, BatchClaims {

    final List<String> calls = new CopyOnWriteArrayList<>();
    volatile boolean claimsAreLost;
    volatile Error claimError;
    volatile boolean completionsFail;

    @Override
    public List<Claim> claimAll(List<ClaimRequest> requests) {
      calls.add("claimAll " + requests.size());
      List<Claim> claims = memory.claimAll(requests);
      if (claimsAreLost) {
        throw ScriptedStore.down();
      }
      if (claimError != null) {
        throw claimError;
      }
      return claims;
    }

    @Override
    public List<LeaseCheck> completeAll(List<Completion> completions) {
      calls.add("completeAll " + completions.size());
      if (completionsFail) {
        throw ScriptedStore.down();
      }
      return memory.completeAll(completions);
    }

    @Override
    public Claim claim(ClaimRequest request) {
      calls.add("claim");
      return memory.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      calls.add("complete");
      return memory.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      calls.add("release");
      return memory.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      calls.add("renew");
      return memory.renew(lease, leaseFor);
    }
  }

  private Operation.Builder<String> operation(Idempotency node) {
    return node.operation("notify", String.class).lease(LEASE);
  }

  private static List<IdempotentRequest> keys(String... keys) {
    return Stream.of(keys).map(key -> IdempotentRequest.of(key).comparing("10 EUR")).toList();
  }

  private static List<ItemAnswer<String>> run(
      Operation<String> operation, List<IdempotentRequest> requests) {
    return operation.executeAll(requests, BatchBody.each(item -> "result " + item.index()));
  }

  private static ItemAnswer<String> answered(Execution<String> execution) {
    return new ItemAnswer.Answered<>(execution);
  }

  private static ItemAnswer<String> ran(int index) {
    return answered(new Execution.Ran<>("result " + index, Recording.STORED));
  }

  private static ItemAnswer<String> replayed(int index) {
    return answered(new Execution.Replayed<>("result " + index));
  }

  private List<Decision> decisions() {
    return events.stream().map(DecisionEvent::decision).toList();
  }

  @Test
  void batchIsClaimedAndCompletedAtOnce() {
    Operation<String> operation = operation(idempotency).build();

    assertThat(run(operation, keys("b", "a", "b", "c")))
        .containsExactly(ran(0), ran(1), replayed(0), ran(3));
    assertThat(batching.calls).containsExactly("claimAll 3", "completeAll 3");
    assertThat(run(operation, keys("a", "b"))).containsExactly(replayed(1), replayed(0));
    assertThat(batching.calls).hasSize(3).endsWith("claimAll 2");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void storeWithoutBatchesGivesTheSameAnswers(boolean withBatches) {
    Operation<String> operation = operation(withBatches ? idempotency : plain).build();
    operation.execute(keys("old").get(0), attempt -> "result 9");
    List<IdempotentRequest> requests = new ArrayList<>(keys("a", "old", "b", "a"));
    requests.add(IdempotentRequest.of("b").comparing("99 EUR"));

    assertThat(run(operation, requests))
        .containsExactly(
            ran(0), replayed(9), ran(2), replayed(0), answered(new Execution.KeyReused<>()));
    assertThat(run(operation, keys("b", "a"))).containsExactly(replayed(2), replayed(0));
  }

  @Test
  void keysOwnedElsewhereAreBusyAtOnce() {
    Operation<String> here = operation(idempotency).build();
    Operation<String> there = operation(plain).build();
    List<ItemAnswer<String>> answers = new ArrayList<>();
    there.execute(
        keys("b").get(0),
        attempt -> {
          answers.addAll(run(here, keys("a", "b")));
          return "";
        });

    assertThat(answers)
        .containsExactly(ran(0), answered(new Execution.Busy<>(Duration.ofSeconds(1))));
  }

  @Test
  void failureAbandonsAllUnlessItReleases() {
    Operation<String> operation = operation(idempotency).releaseOn(IOException.class).build();
    assertThatThrownBy(() -> fail(operation, new IOException("not sent")))
        .isInstanceOf(IOException.class);
    assertThat(memory.size()).isZero();

    assertThatThrownBy(() -> fail(operation, new IllegalStateException("crash")))
        .hasMessage("crash");
    assertThat(run(operation, keys("a", "x", "b", "a")))
        .containsExactly(unresolved(), ran(1), unresolved(), unresolved());
    assertThat(decisions())
        .startsWith(Decision.FAILED, Decision.FAILED, Decision.ABANDONED, Decision.ABANDONED);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatABodySaysItHasDoneIsRecordedAndTheOthersAreReleased(boolean withBatches) {
    Operation<String> operation =
        operation(withBatches ? idempotency : plain).releaseOn(IOException.class).build();
    IOException notSent = new IOException("not sent");

    assertThat(
            operation.executeAll(
                keys("a", "b", "c", "a", "d", "c"),
                new Stopped(
                    failure ->
                        new BatchBody.Progress<>(
                            List.of("1", "2"), notSent, BatchBody.Others.BY_FAILURE))))
        .containsExactly(
            answered(new Execution.Ran<>("1", Recording.STORED)),
            answered(new Execution.Ran<>("2", Recording.STORED)),
            new ItemAnswer.Failed<>(notSent),
            answered(new Execution.Replayed<>("1")),
            new ItemAnswer.Failed<>(notSent),
            new ItemAnswer.Failed<>(notSent));

    assertThat(run(operation, keys("a", "b", "c", "d")))
        .containsExactly(
            answered(new Execution.Replayed<>("1")),
            answered(new Execution.Replayed<>("2")),
            ran(2),
            ran(3));
    assertThat(decisions()).doesNotContain(Decision.ABANDONED);
  }

  @Test
  void whatABodyHasNotDoneIsAbandonedUnlessItsFailureReleases() {
    Operation<String> operation = operation(idempotency).releaseOn(IOException.class).build();
    IllegalStateException timeout = new IllegalStateException("timeout");

    operation.executeAll(
        keys("a", "b", "c"),
        new Stopped(
            failure ->
                new BatchBody.Progress<>(List.of("1"), timeout, BatchBody.Others.BY_FAILURE)));

    assertThat(run(operation, keys("a", "b", "c")))
        .containsExactly(answered(new Execution.Replayed<>("1")), unresolved(), unresolved());
  }

  @Test
  void whatABodyDoesNotKnowIsAbandonedWhateverItsFailureIs() {
    Operation<String> operation = operation(idempotency).releaseOn(IOException.class).build();
    IOException notSent = new IOException("not sent");

    operation.executeAll(
        keys("a", "b"),
        new Stopped(
            failure -> new BatchBody.Progress<>(List.of(), notSent, BatchBody.Others.UNKNOWN)));

    assertThat(run(operation, keys("a", "b"))).containsExactly(unresolved(), unresolved());
  }

  @Test
  void whatABodyHasNotBegunIsReleasedWhateverItsFailureIs() {
    Operation<String> operation = operation(idempotency).build();
    IllegalStateException unreadable = new IllegalStateException("unreadable");

    operation.executeAll(
        keys("a", "b"),
        new Stopped(
            failure ->
                new BatchBody.Progress<>(List.of(), unreadable, BatchBody.Others.NOT_BEGUN)));

    assertThat(run(operation, keys("a", "b"))).containsExactly(ran(0), ran(1));
  }

  @Test
  void whatABodySaysWronglyCountsForNothing() {
    Operation<String> operation = operation(idempotency).build();

    assertThatThrownBy(
            () ->
                operation.executeAll(
                    keys("a"),
                    new Stopped(
                        failure ->
                            new BatchBody.Progress<>(
                                List.of("1"), (Exception) failure, BatchBody.Others.NOT_BEGUN))))
        .hasMessage("crash")
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    assertThatThrownBy(
            () ->
                operation.executeAll(
                    keys("b"),
                    new Stopped(
                        failure -> {
                          throw new IllegalArgumentException("cannot tell");
                        })))
        .hasMessage("crash")
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));

    assertThat(run(operation, keys("a", "b"))).containsExactly(unresolved(), unresolved());
  }

  @Test
  void aBodyThatReturnedTheWrongNumberOfResultsHasRunWhateverItsFailuresPromise() {
    Operation<String> operation =
        operation(idempotency).onOtherFailure(Disposition.RELEASE).build();

    assertThatThrownBy(() -> operation.executeAll(keys("a", "b"), fresh -> List.of("only one")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("2 requests, but returned 1");
    assertThatThrownBy(() -> operation.executeAll(keys("c"), fresh -> null))
        .isInstanceOf(NullPointerException.class);

    assertThat(run(operation, keys("a", "b", "c")))
        .containsExactly(unresolved(), unresolved(), unresolved());
  }

  @Test
  void whatABodyHasDoneWithoutProtectionIsToldToo() {
    Operation<String> operation =
        operation(idempotency).onStoreDown(StoreDownPolicy.FAIL_OPEN).build();
    batching.claimsAreLost = true;
    IllegalStateException timeout = new IllegalStateException("timeout");

    assertThat(
            operation.executeAll(
                keys("a", "b"),
                new Stopped(
                    failure ->
                        new BatchBody.Progress<>(
                            List.of("1"), timeout, BatchBody.Others.BY_FAILURE))))
        .containsExactly(
            answered(new Execution.Ran<>("1", Recording.UNPROTECTED)),
            new ItemAnswer.Failed<>(timeout));
    assertThat(events)
        .filteredOn(event -> event.decision() == Decision.RAN_UNPROTECTED)
        .extracting(DecisionEvent::cause)
        .containsExactly(null, timeout);
  }

  /** Fails, and says how far it came. */
  private record Stopped(Function<Throwable, BatchBody.Progress<String>> telling)
      implements BatchBody<String, RuntimeException> {

    @Override
    public List<String> run(List<Item> fresh) {
      throw new IllegalStateException("crash");
    }

    @Override
    public Progress<String> progress(Throwable failure) {
      assertThat(failure).hasMessage("crash");
      return telling.apply(failure);
    }
  }

  private static List<ItemAnswer<String>> fail(Operation<String> operation, Exception failure)
      throws Exception {
    return operation.executeAll(
        keys("a", "b"),
        fresh -> {
          throw failure;
        });
  }

  private static ItemAnswer<String> unresolved() {
    return answered(new Execution.Unresolved<>(1));
  }

  @Test
  void abandonedKeysAreTakenOverWhereThePolicySaysSo() {
    Operation<String> operation =
        operation(idempotency).onAbandoned(new AbandonedPolicy.Retry<>()).build();
    assertThatThrownBy(() -> fail(operation, new IllegalStateException("crash")))
        .hasMessage("crash");

    List<Integer> attempts = new ArrayList<>();
    operation.executeAll(
        keys("a", "c"),
        BatchBody.each(
            item -> {
              attempts.add(item.attempt().number());
              return "";
            }));
    assertThat(attempts).containsExactly(2, 1);
    assertThat(decisions()).contains(Decision.TAKEN_OVER);
  }

  @Test
  void lostLeaseIsToldOfItsKeyOnly() {
    Operation<String> operation = operation(idempotency).build();
    Operation<String> thief = operation(plain).onAbandoned(new AbandonedPolicy.Retry<>()).build();

    List<ItemAnswer<String>> answers =
        operation.executeAll(
            keys("a", "b"),
            fresh -> {
              clock.addAndGet(LEASE.toNanos());
              thief.execute(keys("a").get(0), attempt -> "theirs");
              return List.of("mine", "mine");
            });

    assertThat(answers)
        .containsExactly(unresolved(), answered(new Execution.Ran<>("mine", Recording.STORED)));
    assertThat(run(operation, keys("a")))
        .containsExactly(answered(new Execution.Replayed<>("theirs")));
    assertThat(decisions()).contains(Decision.LEASE_LOST);
  }

  @Test
  void storeFailureAfterTheBodyNeverRunsItAgain() {
    Operation<String> operation = operation(idempotency).build();
    batching.completionsFail = true;

    assertThat(run(operation, keys("a", "b", "a")))
        .containsExactly(
            answered(new Execution.Ran<>("result 0", Recording.PENDING)),
            answered(new Execution.Ran<>("result 1", Recording.PENDING)),
            replayed(0));
    Concurrency.awaitUntil(
        "both are completed in the background",
        () -> batching.calls.stream().filter("complete"::equals).count() == 2);
    assertThat(run(operation, keys("b", "a"))).containsExactly(replayed(1), replayed(0));
  }

  @Test
  void storeDownIsRefusedAndItsClaimsAreReturned() {
    Operation<String> operation = operation(idempotency).build();
    batching.claimsAreLost = true;

    assertThatThrownBy(() -> run(operation, keys("a", "b")))
        .isInstanceOf(StoreUnavailableException.class);
    batching.claimsAreLost = false;
    Concurrency.awaitUntil("the claims are returned", () -> memory.size() == 0);
    assertThat(run(operation, keys("a", "b"))).containsExactly(ran(0), ran(1));
  }

  @Test
  void claimsThatEndInAnErrorAreReturnedToo() {
    Operation<String> operation = operation(idempotency).build();
    batching.claimError = new OutOfMemoryError("on the way back");

    assertThatThrownBy(() -> run(operation, keys("a", "b"))).isInstanceOf(OutOfMemoryError.class);
    batching.claimError = null;
    Concurrency.awaitUntil("the keys are free", () -> memory.size() == 0);

    assertThat(run(operation, keys("a", "b"))).containsExactly(ran(0), ran(1));
  }

  @Test
  void failingOpenRunsUnprotected() {
    Operation<String> operation =
        operation(idempotency).onStoreDown(StoreDownPolicy.FAIL_OPEN).build();
    batching.claimsAreLost = true;

    assertThat(run(operation, keys("a", "b", "a")))
        .containsExactly(
            answered(new Execution.Ran<>("result 0", Recording.UNPROTECTED)),
            answered(new Execution.Ran<>("result 1", Recording.UNPROTECTED)),
            replayed(0));
    assertThat(decisions()).filteredOn(Decision.RAN_UNPROTECTED::equals).hasSize(2);
  }

  @Test
  void aBodyIsToldWhichFailuresAbandonItsKeys() {
    Operation<String> operation =
        operation(idempotency)
            .releaseOn(IOException.class)
            .recordFailure(
                FailureMapping.ofMessage(
                    "full",
                    UnsupportedOperationException.class,
                    UnsupportedOperationException::new))
            .onStoreDown(StoreDownPolicy.FAIL_OPEN)
            .build();

    assertThat(leavesUnknown(operation, "a")).containsExactly(false, true, true);
    batching.claimsAreLost = true;
    assertThat(leavesUnknown(operation, "b"))
        .as("no key is held")
        .containsExactly(false, false, false);
  }

  private static List<Boolean> leavesUnknown(Operation<String> operation, String key) {
    List<Boolean> told = new ArrayList<>();
    operation.executeAll(
        keys(key),
        fresh -> {
          Stream.of(
                  new IOException("not sent"),
                  new UnsupportedOperationException("recorded of one, not of a batch"),
                  new IllegalStateException("crash"))
              .forEach(failure -> told.add(fresh.get(0).attempt().leavesUnknown(failure)));
          return List.of("done");
        });
    return told;
  }

  /** However a batch fails to be claimed, each of its keys counts that runs unprotected. */
  @ParameterizedTest
  @EnumSource
  void everyUnprotectedRunOfABatchIsCounted(Failing failing) {
    ScriptedStore store = new ScriptedStore(memory);
    try (Idempotency node = node(failing.around(store))) {
      Operation<String> operation = operation(node).onStoreDown(StoreDownPolicy.FAIL_OPEN).build();
      assertThat(run(operation, keys("a", "b", "c", "b")))
          .containsExactly(
              answered(new Execution.Ran<>("result 0", Recording.UNPROTECTED)),
              answered(new Execution.Ran<>("result 1", Recording.UNPROTECTED)),
              answered(new Execution.Ran<>("result 2", Recording.UNPROTECTED)),
              replayed(1));
      assertThat(decisions()).filteredOn(Decision.STORE_FAILURE::equals).hasSize(3);
      assertThat(decisions()).filteredOn(Decision.RAN_UNPROTECTED::equals).hasSize(3);

      assertThatThrownBy(() -> fail(operation, new IllegalStateException("crash")))
          .hasMessage("crash");
      assertThat(decisions()).filteredOn(Decision.RAN_UNPROTECTED::equals).hasSize(5);
      Concurrency.awaitUntil("what was claimed is returned", () -> memory.size() == 0);

      Operation<String> closed = operation(node).build();
      assertThatThrownBy(() -> run(closed, keys("a", "b", "c")))
          .isInstanceOf(StoreUnavailableException.class);
      assertThat(decisions()).filteredOn(Decision.RAN_UNPROTECTED::equals).hasSize(5);
      Concurrency.awaitUntil("what was claimed is returned", () -> memory.size() == 0);
    }
  }

  /** How the claim of a batch fails on a store that takes keys one by one. */
  enum Failing {
    AT_ONCE {
      @Override
      IdempotencyStore around(ScriptedStore store) {
        store.on(Verb.CLAIM, ScriptedStore.DOWN);
        return store;
      }
    },
    IN_THE_MIDDLE {
      @Override
      IdempotencyStore around(ScriptedStore store) {
        return everySecond(store, ScriptedStore.down());
      }
    },
    HELD_BACK_IN_THE_MIDDLE {
      @Override
      IdempotencyStore around(ScriptedStore store) {
        return everySecond(store, new StoreNotAskedException("held back", null));
      }
    },
    BOTH_OF_TWO_STORES {
      @Override
      IdempotencyStore around(ScriptedStore store) {
        IdempotencyStore primary = everySecond(store, ScriptedStore.down());
        ScriptedStore fallback = new ScriptedStore(new InMemoryStore());
        fallback.on(Verb.CLAIM, ScriptedStore.DOWN);
        return new FailoverStore(primary, fallback, FallbackPolicy.OPTIONAL);
      }
    };

    abstract IdempotencyStore around(ScriptedStore store);

    private static ScriptedStore everySecond(ScriptedStore store, RuntimeException failure) {
      AtomicLong claims = new AtomicLong();
      store.on(
          Verb.CLAIM,
          ScriptedStore.after(
              () -> {
                if (claims.incrementAndGet() % 2 == 0) {
                  throw failure;
                }
              }));
      return store;
    }
  }

  @Test
  void resultsDecideEachForItsKey() {
    Operation<String> operation =
        operation(idempotency)
            .onResult(
                result ->
                    result.endsWith("0")
                        ? Disposition.RELEASE
                        : result.endsWith("1") ? Disposition.UNKNOWN : Disposition.RECORD)
            .build();

    assertThat(run(operation, keys("a", "b", "c")))
        .containsExactly(
            answered(new Execution.Ran<>("result 0", Recording.FREED)),
            answered(new Execution.Ran<>("result 1", Recording.UNKNOWN)),
            ran(2));
    Operation<String> recording = operation(idempotency).build();
    assertThat(run(recording, keys("a", "b", "c")))
        .containsExactly(ran(0), unresolved(), replayed(2));
  }
}
