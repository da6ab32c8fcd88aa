package io.idem.core.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The one request of a key that speaks with the store for this node; others of the key follow it.
 *
 * <p>Followers park on a future: they hold no connection, no lock and no thread but their own.
 */
final class Flight {

  private final Thread leader = Thread.currentThread();
  private final CompletableFuture<Fingerprint> owner = new CompletableFuture<>();
  private final CompletableFuture<Claim.@Nullable Completed> landing = new CompletableFuture<>();

  /** Whether the caller is inside this very request, and would wait for itself. */
  boolean isLedByThisThread() {
    return leader == Thread.currentThread();
  }

  /** Whose request the key belongs to, {@link Fingerprint#NONE} while that is not known. */
  Fingerprint ownerSoFar() {
    return owner.getNow(Fingerprint.NONE);
  }

  /** The store has said whose request the key belongs to. */
  void ownedBy(Fingerprint fingerprint) {
    owner.complete(fingerprint);
  }

  /** The key has an outcome that is durable: followers need not ask the store. */
  void land(Claim.Completed completed) {
    // The owner last: who sees it and may not wait looks at the landing at once.
    landing.complete(completed);
    owner.complete(completed.fingerprint());
  }

  /** The flight is over. Without an outcome, followers have to find out for themselves. */
  void end() {
    landing.complete(null);
    owner.complete(Fingerprint.NONE);
  }

  /**
   * Waits until it is known whose request the key belongs to.
   *
   * @return null if it did not become known in time
   */
  @Nullable Fingerprint awaitOwner(long nanos) throws InterruptedException {
    return await(owner, nanos) ? owner.join() : null;
  }

  /**
   * Waits for the end.
   *
   * @return whether it ended in time
   */
  boolean awaitEnd(long nanos) throws InterruptedException {
    return await(landing, nanos);
  }

  /** What the flight ended with, once it has ended. */
  Claim.@Nullable Completed outcome() {
    return landing.join();
  }

  private static boolean await(CompletableFuture<?> future, long nanos)
      throws InterruptedException {
    if (future.isDone()) {
      return true;
    }
    if (nanos <= 0) {
      return false;
    }
    try {
      future.get(nanos, TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("A flight never ends exceptionally", e);
    }
  }
}
