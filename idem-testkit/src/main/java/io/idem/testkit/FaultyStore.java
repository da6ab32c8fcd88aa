package io.idem.testkit;

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
      throw new StoreUnavailableException("Not reached, as the contract's case wants it", null);
    }
    LeaseCheck check = store.complete(lease, outcome, retention);
    if (now == Completions.UNANSWERED) {
      throw new StoreUnavailableException("Answer lost, as the contract's case wants it", null);
    }
    return check;
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
