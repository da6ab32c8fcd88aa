package io.idem.redis;

import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.testkit.LeasedFixture;
import java.time.Duration;

/** The store as two nodes see it, each with a client of its own. */
final class RedisFixture implements LeasedFixture, AutoCloseable {

  private final TestNode here;
  private final TestNode there;
  private final IdempotencyStore store;
  private final IdempotencyStore otherStore;

  RedisFixture(TestNode here, TestNode there) {
    this.here = here;
    this.there = there;
    this.store = here.store();
    this.otherStore = there.store();
  }

  @Override
  public IdempotencyStore store() {
    return store;
  }

  @Override
  public IdempotencyStore otherStore() {
    return otherStore;
  }

  @Override
  public void age(RecordId id, Duration by) {
    here.age(id, by);
  }

  @Override
  public void close() {
    here.close();
    there.close();
  }
}
