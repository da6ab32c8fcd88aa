package io.idem.servlet;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.function.Supplier;

/** A node's way to a store that all nodes share. */
final class CuttableStore implements IdempotencyStore {

  private final IdempotencyStore shared;
  private volatile boolean cut;

  CuttableStore(IdempotencyStore shared) {
    this.shared = shared;
  }

  void cut(boolean now) {
    cut = now;
  }

  @Override
  public Claim claim(ClaimRequest request) {
    return asked(() -> shared.claim(request));
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return asked(() -> shared.complete(lease, outcome, retention));
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return asked(() -> shared.release(lease));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return asked(() -> shared.renew(lease, leaseFor));
  }

  private <T> T asked(Supplier<T> question) {
    if (cut) {
      throw new StoreUnavailableException("The way to the store is cut", null);
    }
    return question.get();
  }
}
