package io.idem.testkit;

import io.idem.core.InMemoryStore;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.TestInstance;

/** Batches of the in-memory store, whose records age with its clock. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InMemoryBatchContractTest extends BatchClaimsContract {

  private final AtomicLong passedNanos = new AtomicLong();
  private final InMemoryStore store =
      new InMemoryStore(1_000_000, () -> System.nanoTime() + passedNanos.get());

  @Override
  protected IdempotencyStore store() {
    return store;
  }

  @Override
  protected BatchClaims batches() {
    return store;
  }

  @Override
  protected BatchClaims otherBatches() {
    return store;
  }

  @Override
  protected void age(RecordId id, Duration by) {
    passedNanos.addAndGet(by.toNanos());
  }
}
