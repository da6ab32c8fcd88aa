package io.idem.core.store;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * Optional capability of a store that answers without holding a thread: the four verbs of {@link
 * IdempotencyStore}, each with a stage in place of the wait.
 *
 * <p>What an implementation owes its callers:
 *
 * <ol>
 *   <li>Each method is the step that its namesake is, and its stage ends as that would: with the
 *       answer, or exceptionally with what it throws. A failure may also be thrown at once.
 *   <li>No method blocks, whatever the state of the store, and every stage ends within the store's
 *       own bound.
 *   <li>The caller cancels no stage. The thread that ends one runs what was made to depend on it,
 *       so it is not one that others wait for with a lock held.
 * </ol>
 *
 * <p>A store without it is asked on threads of the engine's own, whose number is bounded. So is one
 * inside a decorator that does not pass it on, such as {@code FailoverStore} and {@code
 * CircuitBreakerStore}. Thread-safe.
 */
public interface AsyncStore {

  /**
   * Claims a key, or says why not.
   *
   * @param request what is claimed
   * @return ends as {@link IdempotencyStore#claim} does
   */
  CompletionStage<Claim> claimAsync(ClaimRequest request);

  /**
   * Records the outcome of a run and ends its lease.
   *
   * @param lease the caller's lease
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @return ends as {@link IdempotencyStore#complete} does
   */
  CompletionStage<LeaseCheck> completeAsync(Lease lease, StoredOutcome outcome, Duration retention);

  /**
   * Frees the key, because its run is known to have had no effect.
   *
   * @param lease the caller's lease
   * @return ends as {@link IdempotencyStore#release} does
   */
  CompletionStage<LeaseCheck> releaseAsync(Lease lease);

  /**
   * Lets the lease run out at the given time from now.
   *
   * @param lease the caller's lease
   * @param leaseFor how long it holds from now; zero leaves the key abandoned at once
   * @return ends as {@link IdempotencyStore#renew} does
   */
  CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor);
}
