package io.idem.resilience4j;

import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * A store that is not asked for new keys while it fails or is slow.
 *
 * <p>While the breaker is open a claim fails at once, with {@link StoreNotAskedException}.
 * Renewals, completions and releases always reach the store: they settle what was claimed before,
 * and holding one back could lose an outcome. Every call tells the breaker how it went. Thread-safe
 * if the store is.
 */
public final class CircuitBreakerStore implements IdempotencyStore, ExpiredEntries {

  private final IdempotencyStore store;
  private final CircuitBreaker breaker;

  /**
   * Puts a breaker around a store.
   *
   * @param store the store
   * @param breaker the breaker; one for each store
   */
  public CircuitBreakerStore(IdempotencyStore store, CircuitBreaker breaker) {
    this.store = store;
    this.breaker = breaker;
  }

  /**
   * {@inheritDoc}
   *
   * @throws StoreNotAskedException if the breaker is open; nothing was sent
   */
  @Override
  public Claim claim(ClaimRequest request) {
    try {
      breaker.acquirePermission();
    } catch (CallNotPermittedException e) {
      throw new StoreNotAskedException(
          "The store is not asked for new keys: circuit breaker '"
              + breaker.getName()
              + "' is "
              + breaker.getState(),
          e);
    }
    return watched(() -> store.claim(request));
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return watched(() -> store.complete(lease, outcome, retention));
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return watched(() -> store.release(lease));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return watched(() -> store.renew(lease, leaseFor));
  }

  /**
   * Purges the store, if it needs that. How long it takes is no sign of its health, so the breaker
   * is told nothing.
   *
   * @param limit the most records to delete in this call; at least 1
   * @return how many were deleted
   * @throws StoreUnavailableException if the store cannot say
   */
  @Override
  public int purgeExpired(int limit) {
    return store instanceof ExpiredEntries entries ? entries.purgeExpired(limit) : 0;
  }

  private <R> R watched(Supplier<R> call) {
    long start = breaker.getCurrentTimestamp();
    R answer;
    try {
      answer = call.get();
    } catch (Throwable e) {
      breaker.onError(since(start), breaker.getTimestampUnit(), e);
      throw e;
    }
    breaker.onSuccess(since(start), breaker.getTimestampUnit());
    return answer;
  }

  private long since(long start) {
    return breaker.getCurrentTimestamp() - start;
  }
}
