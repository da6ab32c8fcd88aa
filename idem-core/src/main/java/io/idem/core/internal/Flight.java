package io.idem.core.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The one request of a key that speaks with the store for this node; others of the key follow it.
 *
 * <p>Followers park on a future: they hold no connection, no lock and no thread but their own.
 * Asynchronous ones hold no thread either: they are told of each change.
 */
final class Flight {

  private final @Nullable Thread leader;
  private final CompletableFuture<Fingerprint> owner = new CompletableFuture<>();
  private final CompletableFuture<Claim.@Nullable Completed> landing = new CompletableFuture<>();

  /** Made for the first of them: most flights have none. */
  private volatile @Nullable Set<Runnable> asyncFollowers;

  private Flight(@Nullable Thread leader) {
    this.leader = leader;
  }

  /** A flight that the calling thread leads to its end. */
  static Flight ofThisThread() {
    return new Flight(Thread.currentThread());
  }

  /** A flight that no thread is bound to. */
  static Flight ofNoThread() {
    return new Flight(null);
  }

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
    if (owner.complete(fingerprint)) {
      tellAsyncFollowers();
    }
  }

  /** The key has an outcome that is durable: followers need not ask the store. */
  void land(Claim.Completed completed) {
    // The owner last: who sees it and may not wait looks at the landing at once.
    landing.complete(completed);
    owner.complete(completed.fingerprint());
    tellAsyncFollowers();
  }

  /** The flight is over. Without an outcome, followers have to find out for themselves. */
  void end() {
    boolean news = landing.complete(null);
    owner.complete(Fingerprint.NONE);
    if (news) {
      tellAsyncFollowers();
    }
  }

  /**
   * Adds an asynchronous follower, which looks once by itself after that.
   *
   * @param changed run by the leader, so it only passes on that it is worth looking
   */
  void attach(Runnable changed) {
    Set<Runnable> all = asyncFollowers;
    if (all == null) {
      synchronized (this) {
        all = asyncFollowers;
        if (all == null) {
          all = ConcurrentHashMap.newKeySet();
          asyncFollowers = all;
        }
      }
    }
    all.add(changed);
  }

  /** Removes an asynchronous follower. */
  void detach(Runnable changed) {
    Set<Runnable> all = asyncFollowers;
    if (all != null) {
      all.remove(changed);
    }
  }

  private void tellAsyncFollowers() {
    Set<Runnable> all = asyncFollowers;
    if (all != null) {
      all.forEach(Runnable::run);
    }
  }

  /** Whether it is known whose request the key belongs to. */
  boolean isOwnerKnown() {
    return owner.isDone();
  }

  /** Whether the flight is over. */
  boolean hasEnded() {
    return landing.isDone();
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
