package io.idem.testkit;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A store whose verbs wait for the stages of the one inside, and so come by nothing else of it. */
final class JoinedStore implements IdempotencyStore {

  private final AsyncStore stages;

  JoinedStore(IdempotencyStore store) {
    this.stages =
        store
            .capability(AsyncStore.class)
            .orElseThrow(() -> new AssertionError(store.getClass() + " is no AsyncStore"));
  }

  /** Waits within a bound that no store should need. */
  static <R> R join(CompletionStage<R> stage) {
    try {
      return stage.toCompletableFuture().get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new AssertionError("A stage ended with something checked", e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("A stage did not end", e);
    }
  }

  @Override
  public Claim claim(ClaimRequest request) {
    return join(stages.claimAsync(request));
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return join(stages.completeAsync(lease, outcome, retention));
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return join(stages.releaseAsync(lease));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return join(stages.renewAsync(lease, leaseFor));
  }

  @Override
  public <C> Optional<C> capability(Class<C> type) {
    return type == AsyncStore.class ? Optional.of(type.cast(stages)) : Optional.empty();
  }
}
