package io.idem.testkit;

import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** Two clients of one map, each made for the records that they share. */
final class MapFixture implements LeasedFixture {

  private final MapStore here;
  private final MapStore there;

  MapFixture(Function<Map<RecordId, MapStore.Entry>, MapStore> client) {
    this(client, client);
  }

  MapFixture(
      Function<Map<RecordId, MapStore.Entry>, MapStore> here,
      Function<Map<RecordId, MapStore.Entry>, MapStore> there) {
    Map<RecordId, MapStore.Entry> records = new ConcurrentHashMap<>();
    this.here = here.apply(records);
    this.there = there.apply(records);
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
    here.age(id, by);
  }
}
