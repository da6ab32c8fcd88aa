package io.idem.core.internal;

import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreNotAskedException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One of two stores, with a log line when it goes and one when it comes back. */
public final class FailoverSide {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final String role;
  private final IdempotencyStore store;
  private final @Nullable BatchClaims batches;
  private final LongSupplier nanoClock;
  private final long probeEveryNanos;
  private final AtomicBoolean down = new AtomicBoolean();
  private final AtomicBoolean probing = new AtomicBoolean();
  private final LongAdder missed = new LongAdder();
  private final LongAdder answered = new LongAdder();
  private volatile boolean silent;
  private volatile long failedNanos;

  /**
   * Gives a store its role.
   *
   * @param probeEvery how long a store that failed is left alone by what can do without it
   */
  public FailoverSide(
      String role, IdempotencyStore store, LongSupplier nanoClock, Duration probeEvery) {
    this.role = role;
    this.store = store;
    this.nanoClock = nanoClock;
    this.probeEveryNanos = probeEvery.toNanos();
    this.batches = capability(BatchClaims.class).orElse(null);
  }

  /** What the store can do besides. */
  public <C> Optional<C> capability(Class<C> type) {
    return Capabilities.of(store, type);
  }

  /** Whether the last call was answered, of those that were not held back. */
  boolean answers() {
    return !silent;
  }

  /** How many calls were not answered, those that were held back or left out included. */
  public long missed() {
    return missed.sum();
  }

  /** How many calls were answered. */
  long answered() {
    return answered.sum();
  }

  /** A call was not made, because others were not answered. */
  void leftOut() {
    missed.increment();
  }

  /**
   * Whether to ask a store that did not answer whether it does again: not too often, and one caller
   * at a time, for each may have to wait as long as the store's timeout. Who is told true ends the
   * probe afterwards.
   */
  boolean beginProbe() {
    if (!probeIsDue() || !probing.compareAndSet(false, true)) {
      return false;
    }
    if (probeIsDue()) {
      return true;
    }
    probing.set(false); // another has failed just now
    return false;
  }

  private boolean probeIsDue() {
    return nanoClock.getAsLong() - failedNanos >= probeEveryNanos;
  }

  void endProbe() {
    probing.set(false);
  }

  /** One call. */
  public <R> R ask(Function<IdempotencyStore, R> call) {
    R answer;
    try {
      answer = call.apply(store);
    } catch (RuntimeException e) {
      missed.increment();
      if (!(e instanceof StoreNotAskedException)) {
        failedNanos = nanoClock.getAsLong();
        silent = true;
      }
      if (down.compareAndSet(false, true)) {
        log.warn("The {} store does not answer", role, e);
      }
      throw e;
    }
    hasAnswered();
    return answer;
  }

  /** One call that may be refused although the store answers others: its failure says nothing. */
  <R> R retry(Function<IdempotencyStore, R> call) {
    R answer;
    try {
      answer = call.apply(store);
    } catch (RuntimeException e) {
      missed.increment();
      throw e;
    }
    hasAnswered();
    return answer;
  }

  private void hasAnswered() {
    answered.increment();
    if (silent) {
      silent = false;
    }
    if (down.get() && down.compareAndSet(true, false)) {
      log.info("The {} store answers again", role);
    }
  }

  @Override
  public String toString() {
    return role;
  }

  /** One call, if the store can, else one for each key until one fails: then all have failed. */
  public List<Claim> claimAll(List<ClaimRequest> requests) {
    BatchClaims all = requests.size() == 1 ? null : batches;
    return ask(
        one -> all != null ? all.claimAll(requests) : Capabilities.claimOneByOne(one, requests));
  }

  /** One call, if the store can, else one for each key until one fails: then all have failed. */
  public List<LeaseCheck> completeAll(List<Completion> completions) {
    BatchClaims all = completions.size() == 1 ? null : batches;
    return ask(
        one ->
            all != null
                ? all.completeAll(completions)
                : completions.stream()
                    .map(each -> one.complete(each.lease(), each.outcome(), each.retention()))
                    .toList());
  }
}
