package io.idem.testkit;

import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import java.time.Duration;

/**
 * A store of leased keys, as the contracts see it: two clients that stand for two nodes, and a hand
 * on its time.
 *
 * <p>The one thing a backend writes to run {@link IdempotencyStoreContract}, {@link
 * AsyncStoreContract}, {@link BatchClaimsContract} and {@link ExpiredEntriesContract}.
 */
public interface LeasedFixture {

  /**
   * The store under test.
   *
   * @return a client of it; always the same
   */
  IdempotencyStore store();

  /**
   * The same store as another node sees it.
   *
   * @return a client that shares nothing with {@link #store()} but the stored records; always the
   *     same
   */
  IdempotencyStore otherStore();

  /**
   * Makes a record older, instead of sleeping. Where the store's clock cannot but age everything,
   * all records may become older together.
   *
   * @param id whose; the record is there
   * @param by how far every time stored with it is moved into the past
   */
  void age(RecordId id, Duration by);
}
