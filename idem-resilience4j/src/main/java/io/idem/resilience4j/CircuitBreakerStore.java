package io.idem.resilience4j;

import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.idem.core.store.Batch;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A store that is not asked for new keys while it fails or is slow.
 *
 * <p>While the breaker is open a claim fails at once, with {@link StoreNotAskedException}.
 * Renewals, completions and releases always reach the store: they settle what was claimed before,
 * and holding one back could lose an outcome. Every call tells the breaker how it went. A batch is
 * one call, and held back as a whole.
 *
 * <p>It can do what the store can do besides. Purging and signals go past the breaker: how long a
 * purge takes is no sign of a store's health. Thread-safe if the store is.
 */
public final class CircuitBreakerStore implements IdempotencyStore {

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
    return permitted(() -> store.claim(request));
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

  @Override
  public <C> Optional<C> capability(Class<C> type) {
    if (type == BatchClaims.class) {
      return store.capability(BatchClaims.class).map(inside -> type.cast(new Batches(inside)));
    }
    if (type == CompletionSignal.class || type == ExpiredEntries.class) {
      return store.capability(type);
    }
    return IdempotencyStore.super.capability(type);
  }

  /** Many keys through the breaker, as one call. */
  private final class Batches implements BatchClaims {

    private final BatchClaims inside;

    Batches(BatchClaims inside) {
      this.inside = inside;
    }

    @Override
    public List<Claim> claimAll(List<ClaimRequest> requests) {
      Batch.requireBounded(requests.size()); // the caller's mistake, and no sign of the store
      return permitted(() -> inside.claimAll(requests));
    }

    @Override
    public List<LeaseCheck> completeAll(List<Completion> completions) {
      Batch.requireBounded(completions.size());
      return watched(() -> inside.completeAll(completions));
    }
  }

  private <R> R permitted(Supplier<R> call) {
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
    return watched(call);
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
