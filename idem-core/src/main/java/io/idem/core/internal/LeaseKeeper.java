package io.idem.core.internal;

import io.idem.core.Decision;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.LeaseCheck;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The heartbeat: renews the leases of running bodies after each third of their time.
 *
 * <p>One ticker looks at all leases, so that a short run costs an insertion and a removal and no
 * timer of its own. Local monotonic time only says when to renew; whether a lease still holds is
 * the store's to say.
 */
final class LeaseKeeper {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");
  private static final long SLOWEST_TICK_MILLIS = 1_000;
  private static final long FASTEST_TICK_MILLIS = 10;

  private final IdempotencyStore store;
  private final Events events;
  private final ScheduledExecutorService timer;
  private final Executor renewals;
  private final HeldLeases held = new HeldLeases();
  private long tickMillis = Long.MAX_VALUE;
  private @Nullable ScheduledFuture<?> ticker;

  LeaseKeeper(
      IdempotencyStore store, Events events, ScheduledExecutorService timer, Executor renewals) {
    this.store = store;
    this.events = events;
    this.timer = timer;
    this.renewals = renewals;
  }

  /** Ticks often enough for leases of this length. */
  synchronized void accommodate(Duration leaseFor) {
    long wanted =
        Math.max(
            FASTEST_TICK_MILLIS,
            Math.min(SLOWEST_TICK_MILLIS, Durations.bounded(leaseFor).toMillis() / 12));
    if (wanted < tickMillis) {
      tickMillis = wanted;
      if (ticker != null) {
        ticker.cancel(false);
      }
      ticker = timer.scheduleWithFixedDelay(this::tick, wanted, wanted, TimeUnit.MILLISECONDS);
    }
  }

  void add(HeldLease lease) {
    held.add(lease);
  }

  void remove(HeldLease lease) {
    held.remove(lease);
  }

  /** Removes a lease and lets it run out now, after any renewal of it that is under way. */
  LeaseCheck expire(HeldLease lease) {
    held.remove(lease);
    lease.renewal.lock();
    try {
      return store.renew(lease.lease, Duration.ZERO);
    } finally {
      lease.renewal.unlock();
    }
  }

  /** As {@link #expire}, without holding the caller up. */
  CompletionStage<LeaseCheck> expireAsync(HeldLease lease, AsyncStore asyncStore) {
    held.remove(lease);
    if (!lease.renewal.tryLock()) {
      // A renewal is under way, whose answer only a thread that may block can wait for.
      return CompletableFuture.supplyAsync(() -> expire(lease), renewals);
    }
    lease.renewal.unlock(); // no other will come: it would see that the lease is no longer held
    return asyncStore.renewAsync(lease.lease, Duration.ZERO);
  }

  /** Renews a lease now, for a run that must not go on without it. */
  LeaseCheck confirm(HeldLease lease) {
    lease.renewal.lock();
    try {
      long before = System.nanoTime();
      LeaseCheck check = store.renew(lease.lease, lease.leaseFor);
      if (check == LeaseCheck.HELD) {
        lease.renewedNanos = before; // a lost one stays overdue, so that other threads ask as well
      }
      return check;
    } finally {
      lease.renewal.unlock();
    }
  }

  private void tick() {
    long now = System.nanoTime();
    held.forEach(
        lease -> {
          if (lease.isDue(now) && !lease.renewing) {
            lease.renewing = true;
            begin(lease);
          }
        });
  }

  private void begin(HeldLease lease) {
    try {
      renewals.execute(() -> renew(lease));
    } catch (Throwable e) { // no thread to be had, say: it must not end all heartbeats unseen
      lease.renewing = false;
      log.error("The lease of operation '{}' could not be renewed now", lease.title(), e);
    }
  }

  private void renew(HeldLease lease) {
    lease.renewal.lock();
    try {
      long before = System.nanoTime();
      if (!held.contains(lease)) {
        return; // ended meanwhile: renewing could revive a lease that was given up
      }
      if (store.renew(lease.lease, lease.leaseFor) == LeaseCheck.HELD) {
        lease.renewedNanos = before;
      } else if (held.contains(lease) && !lease.ending) {
        // Once a run is over the record changes by its own doing: then the write says what is lost.
        lease.lost = true;
        log.warn(
            "Operation '{}' lost the lease of record {} (attempt {}) while its body was running",
            lease.title(),
            lease.lease.id(),
            lease.lease.attempt());
        events.publish(Decision.LEASE_LOST, lease, null);
      }
    } catch (Throwable e) {
      // Tried again at the next tick; the lease holds for two thirds of its time yet.
      log.warn(
          "Operation '{}' could not renew the lease of record {}",
          lease.title(),
          lease.lease.id(),
          e);
      events.publish(Decision.STORE_FAILURE, lease, e);
    } finally {
      lease.renewal.unlock();
      lease.renewing = false;
    }
  }
}
