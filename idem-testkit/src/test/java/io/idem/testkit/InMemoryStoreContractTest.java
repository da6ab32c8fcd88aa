package io.idem.testkit;

import io.idem.core.InMemoryStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.TestInstance;

/** The in-memory store. Its records age with its clock, and both clients are the one process. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InMemoryStoreContractTest extends IdempotencyStoreContract {

  private final AtomicLong passedNanos = new AtomicLong();
  private final IdempotencyStore store =
      new InMemoryStore(1_000_000, () -> System.nanoTime() + passedNanos.get());

  @Override
  protected IdempotencyStore store() {
    return store;
  }

  @Override
  protected IdempotencyStore otherStore() {
    return store;
  }

  @Override
  protected void age(RecordId id, Duration by) {
    passedNanos.addAndGet(by.toNanos());
  }
}
