package io.idem.servlet;

import io.idem.core.InMemoryStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;

/** A store that can be made to fail, to wait and to lose. */
final class GatedStore implements IdempotencyStore {

  private final IdempotencyStore memory = new InMemoryStore();
  final CountDownLatch completing = new CountDownLatch(1);
  volatile CountDownLatch gate = new CountDownLatch(0);
  volatile boolean claimsFail;
  volatile boolean completionsFail;
  volatile boolean loseCompletions;
  final Semaphore renewals = new Semaphore(0);

  @Override
  public Claim claim(ClaimRequest request) {
    if (claimsFail) {
      throw new StoreUnavailableException("down", null);
    }
    return memory.claim(request);
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    completing.countDown();
    try {
      gate.await();
    } catch (InterruptedException e) {
      throw new StoreUnavailableException("interrupted", e);
    }
    if (completionsFail) {
      throw new StoreUnavailableException("down", null);
    }
    return loseCompletions ? LeaseCheck.LOST : memory.complete(lease, outcome, retention);
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return memory.release(lease);
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    LeaseCheck renewed = memory.renew(lease, leaseFor);
    renewals.release();
    return renewed;
  }
}
