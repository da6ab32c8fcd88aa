package io.idem.core.internal;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * A store that blocks, asked on threads that may.
 *
 * @param store what is asked
 * @param calls where
 */
record OffloadedStore(IdempotencyStore store, BlockingCalls calls) implements AsyncStore {

  /** {@inheritDoc} Ends with a {@link BlockingCalls.FullException} if too many claims wait. */
  @Override
  public CompletionStage<Claim> claimAsync(ClaimRequest request) {
    return calls.begin(() -> store.claim(request));
  }

  @Override
  public CompletionStage<LeaseCheck> completeAsync(
      Lease lease, StoredOutcome outcome, Duration retention) {
    return calls.end(() -> store.complete(lease, outcome, retention));
  }

  @Override
  public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
    return calls.end(() -> store.release(lease));
  }

  @Override
  public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
    return calls.end(() -> store.renew(lease, leaseFor));
  }
}
