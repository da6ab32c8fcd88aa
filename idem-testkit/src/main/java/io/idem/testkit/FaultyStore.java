package io.idem.testkit;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;

/** A store between the engine and the one under test, whose completions fail when they are told. */
final class FaultyStore implements IdempotencyStore {

  /** What becomes of a completion. */
  enum Completions {
    ANSWERED,
    /** The store is not reached. */
    REFUSED,
    /** The store is reached, its answer is lost. */
    UNANSWERED
  }

  private final IdempotencyStore store;
  private final List<RecordId> claimed = new CopyOnWriteArrayList<>();
  private volatile Completions completions = Completions.ANSWERED;

  FaultyStore(IdempotencyStore store) {
    this.store = store;
  }

  void completionsAre(Completions next) {
    completions = next;
  }

  /** The keys of all claims, in their order. */
  List<RecordId> claimed() {
    return List.copyOf(claimed);
  }

  /** The key of the last claim. */
  RecordId lastClaimed() {
    return claimed.get(claimed.size() - 1);
  }

  @Override
  public Claim claim(ClaimRequest request) {
    claimed.add(request.id());
    return store.claim(request);
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    Completions now = completions;
    if (now == Completions.REFUSED) {
      throw refused();
    }
    LeaseCheck check = store.complete(lease, outcome, retention);
    if (now == Completions.UNANSWERED) {
      throw unanswered();
    }
    return check;
  }

  /** It answers with stages if the store does, and they fail as its verbs do. */
  @Override
  public <C> Optional<C> capability(Class<C> type) {
    return type == AsyncStore.class
        ? store.capability(AsyncStore.class).map(stages -> type.cast(new Stages(stages)))
        : IdempotencyStore.super.capability(type);
  }

  /** The same, without waiting. */
  private final class Stages implements AsyncStore {

    private final AsyncStore stages;

    Stages(AsyncStore stages) {
      this.stages = stages;
    }

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      claimed.add(request.id());
      return stages.claimAsync(request);
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      return switch (completions) {
        case ANSWERED -> stages.completeAsync(lease, outcome, retention);
        case REFUSED -> CompletableFuture.failedFuture(refused());
        case UNANSWERED ->
            stages
                .completeAsync(lease, outcome, retention)
                .thenApply(
                    check -> {
                      throw unanswered();
                    });
      };
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      return stages.releaseAsync(lease);
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      return stages.renewAsync(lease, leaseFor);
    }
  }

  private static StoreUnavailableException refused() {
    return new StoreUnavailableException("Not reached, as the contract's case wants it", null);
  }

  private static StoreUnavailableException unanswered() {
    return new StoreUnavailableException("Answer lost, as the contract's case wants it", null);
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return store.release(lease);
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return store.renew(lease, leaseFor);
  }
}
