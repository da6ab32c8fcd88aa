package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What expired is deleted in the background, once for each place, and the rest is told of. */
class PurgeTest {

  private final List<PurgeEvent> events = new CopyOnWriteArrayList<>();

  /** A store that has so much to purge, in a place that others may share. */
  private static final class Purged implements TransactionalStore, ExpiredEntries {

    final Object target;
    final AtomicInteger expired;
    final AtomicInteger purges = new AtomicInteger();

    Purged(Object target, int expired) {
      this.target = target;
      this.expired = new AtomicInteger(expired);
    }

    @Override
    public int purgeExpired(int limit) {
      purges.incrementAndGet();
      int batch = Math.min(limit, expired.get());
      expired.addAndGet(-batch);
      return batch;
    }

    @Override
    public Optional<Duration> purgeLag() {
      return Optional.of(Duration.ofSeconds(expired.get()));
    }

    @Override
    public Object purgeTarget() {
      return target;
    }

    @Override
    public <R, X extends Throwable> R inTransaction(TransactionWork<R, X> work) {
      throw new AssertionError("not needed");
    }
  }

  private final DecisionListener listener =
      new DecisionListener() {
        @Override
        public void onDecision(DecisionEvent event) {}

        @Override
        public void onPurge(PurgeEvent event) {
          events.add(event);
          throw new IllegalStateException("A listener that fails ends no purging");
        }
      };

  private Idempotency engine(TransactionalStore store, Duration every) {
    return Idempotency.builder()
        .transactionalStore(store)
        .listener(listener)
        .purgeEvery(every)
        .build();
  }

  @Test
  void oneRunCatchesUpInBatches() {
    Purged store = new Purged("table", 12_345);
    try (Idempotency engine = engine(store, Duration.ofMillis(200))) {
      assertThat(engine).isNotNull();
      Concurrency.awaitUntil("two runs end", () -> events.size() > 1);
    }
    PurgeEvent first = events.get(0);
    assertThat(first.deleted()).isEqualTo(12_345);
    assertThat(first.store()).isEqualTo("Purged");
    assertThat(first.finished()).isTrue();
    assertThat(first.lag()).contains(Duration.ZERO);
    assertThat(events.get(1).deleted()).isZero();
  }

  @Test
  void runThatDoesNotCatchUpSaysSo() {
    Purged store = new Purged("table", Integer.MAX_VALUE);
    try (Idempotency engine = engine(store, Duration.ofMillis(1))) {
      assertThat(engine).isNotNull();
      Concurrency.awaitUntil("two runs end", () -> events.size() > 1);
    }
    assertThat(events.get(0).finished()).isFalse();
    assertThat(events.get(0).deleted()).isPositive();
    assertThat(events.get(0).lag().orElseThrow()).isPositive();
  }

  @Test
  void storesOfOnePlaceArePurgedOnce() {
    Purged store = new Purged("table", 0);
    Purged sameTable = new Purged("table", 0);
    Purged otherTable = new Purged("other table", 0);
    try (Idempotency engine = engine(store, Duration.ofMillis(5))) {
      engine.operation("same").transactional(sameTable).build();
      engine.operation("other").transactional(otherTable).build();
      Concurrency.awaitUntil("the other is purged often", () -> otherTable.purges.get() > 5);
    }
    assertThat(store.purges).hasPositiveValue();
    assertThat(sameTable.purges).hasValue(0);
  }
}
