package io.idem.testkit;

import io.idem.core.InMemoryStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** Stores in memory, whose records age with a clock that they share. */
final class InMemoryFixture implements LeasedFixture {

  private final AtomicLong passedNanos = new AtomicLong();
  private final IdempotencyStore here;
  private final IdempotencyStore there;

  /** Both clients are the one process. */
  InMemoryFixture() {
    here = newStore();
    there = here;
  }

  /** Each client is made on the same two stores. */
  InMemoryFixture(OnTwoStores clients) {
    IdempotencyStore one = newStore();
    IdempotencyStore two = newStore();
    Supplier<IdempotencyStore> client = () -> clients.client(one, two);
    here = client.get();
    there = client.get();
  }

  interface OnTwoStores {
    IdempotencyStore client(IdempotencyStore one, IdempotencyStore two);
  }

  private IdempotencyStore newStore() {
    return new InMemoryStore(1_000_000, () -> System.nanoTime() + passedNanos.get());
  }

  @Override
  public IdempotencyStore store() {
    return here;
  }

  @Override
  public IdempotencyStore otherStore() {
    return there;
  }

  @Override
  public void age(RecordId id, Duration by) {
    passedNanos.addAndGet(by.toNanos());
  }
}
