package io.idem.core.internal;

import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.LeaseCheck;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One of two stores, with a log line when it goes and one when it comes back. */
public final class FailoverSide {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final String role;
  private final IdempotencyStore store;
  private final @Nullable BatchClaims batches;
  private final AtomicBoolean down = new AtomicBoolean();
  private final LongAdder missed = new LongAdder();

  /** Gives a store its role. */
  public FailoverSide(String role, IdempotencyStore store) {
    this.role = role;
    this.store = store;
    this.batches = capability(BatchClaims.class).orElse(null);
  }

  /** What the store can do besides. */
  public <C> Optional<C> capability(Class<C> type) {
    return Capabilities.of(store, type);
  }

  /** Whether the last call was answered. */
  public boolean answers() {
    return !down.get();
  }

  /** How many calls were not answered, those that a breaker held back included. */
  public long missed() {
    return missed.sum();
  }

  /** One call. */
  public <R> R ask(Function<IdempotencyStore, R> call) {
    R answer;
    try {
      answer = call.apply(store);
    } catch (RuntimeException e) {
      missed.increment();
      if (down.compareAndSet(false, true)) {
        log.warn("The {} store does not answer", role, e);
      }
      throw e;
    }
    if (down.get() && down.compareAndSet(true, false)) {
      log.info("The {} store answers again", role);
    }
    return answer;
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
