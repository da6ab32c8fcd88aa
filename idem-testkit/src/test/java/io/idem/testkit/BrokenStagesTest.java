package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.MapStore.Entry;
import java.time.Duration;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Stores whose verbs are right and whose stages are not: the contract names what is wrong. */
class BrokenStagesTest {

  @Test
  void rightStagesAreAccepted() {
    assertThat(Cases.failing(RightStages.class)).isEmpty();
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments(NoStages.class, List.of("oneOfManyClaimsUnderWayIsAcquired")),
        arguments(LookThenClaim.class, List.of("oneOfManyClaimsUnderWayIsAcquired")),
        arguments(EndsBeforeItHasWritten.class, List.of("outcomeIsThereForOtherNodesAtOnce")),
        arguments(MixedUpReplies.class, List.of("everyOneOfManyStagesUnderWayHasItsOwnAnswer")),
        arguments(
            UnguardedStages.class,
            List.of(
                "completionByAStrangerIsLostAndChangesNothing",
                "ownerPausedBeyondItsLeaseChangesNothingOfItsSuccessor")));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenStagesAreRejected(Class<?> contract, List<String> cases) {
    Cases.assertFailing(contract, cases);
  }

  /** Run by the cases above only: a build would find these broken, as it should. */
  @Tag("run-by-another-test")
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class OnMap extends AsyncStoreContract {

    private final LeasedFixture fixture;

    OnMap(Function<Map<RecordId, Entry>, MapStore> client) {
      fixture = new MapFixture(client);
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  /** The verbs, each on another thread. */
  static class StagesStore extends MapStore implements AsyncStore {

    StagesStore(Map<RecordId, Entry> records) {
      super(records);
    }

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      return CompletableFuture.supplyAsync(() -> claim(request));
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      return CompletableFuture.supplyAsync(() -> complete(lease, outcome, retention));
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      return CompletableFuture.supplyAsync(() -> release(lease));
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      return CompletableFuture.supplyAsync(() -> renew(lease, leaseFor));
    }
  }

  static class RightStages extends OnMap {
    RightStages() {
      super(StagesStore::new);
    }
  }

  static class NoStages extends OnMap {
    NoStages() {
      super(MapStore::new);
    }
  }

  static class LookThenClaim extends OnMap {
    LookThenClaim() {
      super(
          records ->
              new StagesStore(records) {
                @Override
                public CompletionStage<Claim> claimAsync(ClaimRequest request) {
                  if (entries.containsKey(request.id())) {
                    return super.claimAsync(request);
                  }
                  OwnerToken token = request.token();
                  return CompletableFuture.supplyAsync(
                      () -> {
                        entries.remove(request.id()); // there was none
                        claim(request);
                        return new Claim.Acquired(new Lease(request.id(), token, 1));
                      },
                      CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS));
                }
              });
    }
  }

  static class EndsBeforeItHasWritten extends OnMap {
    EndsBeforeItHasWritten() {
      super(
          records ->
              new StagesStore(records) {
                @Override
                public CompletionStage<LeaseCheck> completeAsync(
                    Lease lease, StoredOutcome outcome, Duration retention) {
                  var unused =
                      CompletableFuture.runAsync(
                          () -> complete(lease, outcome, retention),
                          CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS));
                  return CompletableFuture.completedFuture(LeaseCheck.HELD);
                }
              });
    }
  }

  /** The last to ask is answered first, with what the first asked for. */
  static class MixedUpReplies extends OnMap {
    MixedUpReplies() {
      super(
          records ->
              new StagesStore(records) {
                private final Deque<CompletableFuture<Claim>> asked = new ConcurrentLinkedDeque<>();

                @Override
                public CompletionStage<Claim> claimAsync(ClaimRequest request) {
                  CompletableFuture<Claim> stage = new CompletableFuture<>();
                  asked.push(stage);
                  Claim claim = claim(request);
                  CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS)
                      .execute(() -> asked.pop().complete(claim));
                  return stage;
                }
              });
    }
  }

  static class UnguardedStages extends OnMap {
    UnguardedStages() {
      super(
          records ->
              new StagesStore(records) {
                @Override
                public CompletionStage<LeaseCheck> completeAsync(
                    Lease lease, StoredOutcome outcome, Duration retention) {
                  entries.computeIfPresent(
                      lease.id(), (id, found) -> found.completed(outcome, after(retention)));
                  return CompletableFuture.completedFuture(LeaseCheck.HELD);
                }
              });
    }
  }
}
