package io.idem.core.internal;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/**
 * A store whose answers are taken from the thread that brings them. What an application does with
 * an answer, such as to start the body, may ask the store again and wait for it: the thread that
 * brings the store's answers would wait for itself, and one that asks a store that blocks would be
 * missing there. Nor does who has to hear that a run has ended wait for the bodies of others.
 *
 * @param store what is asked
 * @param claimed where answers to claims are gone on with
 * @param ended where answers to all other verbs are
 */
record HandedOverStore(AsyncStore store, Executor claimed, Executor ended) implements AsyncStore {

  @Override
  public CompletionStage<Claim> claimAsync(ClaimRequest request) {
    return Stages.endedOn(claimed, store.claimAsync(request));
  }

  @Override
  public CompletionStage<LeaseCheck> completeAsync(
      Lease lease, StoredOutcome outcome, Duration retention) {
    return Stages.endedOn(ended, store.completeAsync(lease, outcome, retention));
  }

  @Override
  public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
    return Stages.endedOn(ended, store.releaseAsync(lease));
  }

  @Override
  public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
    return Stages.endedOn(ended, store.renewAsync(lease, leaseFor));
  }
}
