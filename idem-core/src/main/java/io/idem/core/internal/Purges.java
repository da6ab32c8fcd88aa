package io.idem.core.internal;

import io.idem.core.PurgeEvent;
import io.idem.core.store.ExpiredEntries;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what has expired, at regular intervals, from every store that does not do so by itself.
 *
 * <p>One purge deletes bounded batches until one comes back short, or until the time of an interval
 * is used up. Then it reports how far it is behind.
 */
final class Purges {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");
  private static final int BATCH = 1_000;

  private final ScheduledExecutorService executor;
  private final Events events;
  private final long everyNanos;
  private final BooleanSupplier closed;
  private final Set<Object> targets = new HashSet<>();

  Purges(ScheduledExecutorService executor, Events events, Duration every, BooleanSupplier closed) {
    this.executor = executor;
    this.events = events;
    this.everyNanos = Durations.nanos(every);
    this.closed = closed;
  }

  /** Purges a store from now on, if it needs that and nobody does so for the same records. */
  @SuppressWarnings("FutureReturnValueIgnored") // the task reports its own failures
  synchronized void add(@Nullable Object store) {
    ExpiredEntries entries = Capabilities.of(store, ExpiredEntries.class).orElse(null);
    if (everyNanos > 0 && entries != null && targets.addAll(entries.purgeTargets())) {
      // At a fixed rate: one that used up its interval goes on at once, after the other stores.
      executor.scheduleAtFixedRate(
          () -> purge(entries), everyNanos, everyNanos, TimeUnit.NANOSECONDS);
    }
  }

  private void purge(ExpiredEntries entries) {
    long start = System.nanoTime();
    long deleted = 0;
    boolean finished = false;
    try {
      while (!finished && !closed.getAsBoolean() && System.nanoTime() - start <= everyNanos) {
        int batch = entries.purgeExpired(BATCH);
        deleted += batch;
        finished = batch < BATCH;
      }
      Optional<Duration> lag = entries.purgeLag();
      if (!finished && !closed.getAsBoolean()) {
        log.warn(
            "Purging does not keep up: {} expired records were deleted in {} s and more are left,"
                + " the oldest of which expired {} s ago. Lower the retention, give the database more"
                + " room, or purge from more nodes",
            deleted,
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
            lag.map(Duration::toSeconds).map(String::valueOf).orElse("an unknown number of"));
      }
      events.publish(
          new PurgeEvent(
              entries.getClass().getSimpleName(),
              deleted,
              Duration.ofNanos(System.nanoTime() - start),
              lag,
              finished));
    } catch (Throwable e) { // an error, too, would end all purging unseen
      log.warn("Expired records could not be purged; trying again at the next interval", e);
    }
  }
}
