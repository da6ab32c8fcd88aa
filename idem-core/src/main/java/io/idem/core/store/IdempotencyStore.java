package io.idem.core.store;

import java.time.Duration;
import java.util.Optional;

/**
 * A store of leased keys: one record for each key, with at most one live owner.
 *
 * <p>What an implementation owes its callers:
 *
 * <ol>
 *   <li>Each method is one atomic step, decided by the store's own clock and, where it can be, one
 *       round trip. None waits for the owner of a key.
 *   <li>{@link #complete}, {@link #release} and {@link #renew} compare the owner token in the same
 *       statement that writes. After {@link LeaseCheck#LOST} nothing has changed.
 *   <li>{@link #claim} may be repeated under the same token: a claim whose answer was lost is
 *       answered {@link Claim.Acquired} again, with the same attempt.
 *   <li>A completed record past its retention is absent to every caller, whether purged or not. A
 *       record without an outcome never expires by itself, because its outcome is unknown.
 *   <li>A method that cannot say what the store holds throws {@link StoreUnavailableException}.
 * </ol>
 *
 * <p>Implementations are thread-safe and hold no connection between calls.
 */
public interface IdempotencyStore {

  /**
   * Claims a key, or says why not.
   *
   * <p>The order of decision: no record, or one past its retention: {@link Claim.Acquired} with
   * attempt 1. A record with an outcome: {@link Claim.Completed}. A live lease: {@link
   * Claim.Running}, unless the token is the caller's own. A lease that has run out: {@link
   * Claim.Acquired} with the next attempt if the request takes over and its fingerprint matches,
   * else {@link Claim.Abandoned}. A take-over with {@link Fingerprint#NONE} keeps the fingerprint
   * of the record.
   *
   * @param request what is claimed
   * @return the answer
   * @throws StoreUnavailableException if the store cannot say; the claim may or may not hold
   */
  Claim claim(ClaimRequest request);

  /**
   * Records the outcome of a run and ends its lease.
   *
   * <p>The outcome is kept for at least the retention from now. A lease that ran out but was not
   * taken over may still be completed. Repeating a completion that took effect answers {@link
   * LeaseCheck#HELD}.
   *
   * @param lease the caller's lease
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @return whether the caller still owned the key
   * @throws StoreUnavailableException if the store cannot say; the outcome may or may not be stored
   */
  LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention);

  /**
   * Frees the key, because its run is known to have had no effect.
   *
   * @param lease the caller's lease
   * @return whether the caller still owned the key
   * @throws StoreUnavailableException if the store cannot say; the key may or may not be free
   */
  LeaseCheck release(Lease lease);

  /**
   * Lets the lease run out at the given time from now.
   *
   * @param lease the caller's lease
   * @param leaseFor how long it holds from now; zero leaves the key abandoned at once
   * @return whether the caller still owned the key; a lease that ran out but was not taken over is
   *     revived
   * @throws StoreUnavailableException if the store cannot say
   */
  LeaseCheck renew(Lease lease, Duration leaseFor);

  /**
   * What this store can do besides: {@link AsyncStore}, {@link BatchClaims}, {@link
   * CompletionSignal} or {@link ExpiredEntries}.
   *
   * <p>By default a store can do what it implements. A decorator that changes nothing here hides
   * what the store inside can do besides, and so is never passed by. To pass a capability on, it
   * answers with an object whose calls go through the decorator wherever the calls above do: {@link
   * AsyncStore} and {@link BatchClaims} claim and complete, so they are wrapped; the other two may
   * be the inner store's own. It has no capability that the inner store has not.
   *
   * @param type the interface of the capability
   * @param <C> its type
   * @return the capability, always the same for the life of the store; empty if it has none
   */
  default <C> Optional<C> capability(Class<C> type) {
    return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
  }
}
