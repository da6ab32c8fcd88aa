package io.idem.core.store;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** Optional capability of a store that does not forget expired records by itself. */
public interface ExpiredEntries {

  /**
   * Deletes completed records past their retention, oldest first.
   *
   * <p>Expiry itself is enforced when a record is read, so purging only frees space. Several nodes
   * may purge at once.
   *
   * @param limit the most records to delete in this call; at least 1
   * @return how many were deleted; fewer than the limit when no more were found
   * @throws IllegalArgumentException if the limit is less than 1; nothing was deleted
   * @throws StoreUnavailableException if the store cannot say
   */
  int purgeExpired(int limit);

  /**
   * How far purging is behind: for how long the oldest completed record that is still stored has
   * been past its retention, by the store's clock.
   *
   * @return zero if no expired record is stored; empty if the store has no way to tell
   * @throws StoreUnavailableException if the store cannot say
   */
  default Optional<Duration> purgeLag() {
    return Optional.empty();
  }

  /**
   * What a purge works on. Two stores whose targets are equal keep their records in one place,
   * which is purged once.
   *
   * @return a value with a meaningful {@code equals}; by default this store itself
   */
  default Object purgeTarget() {
    return this;
  }

  /**
   * What a purge works on, where a store keeps records in several places. A store is not purged if
   * all its targets are those of stores that are.
   *
   * @return at least one value; by default {@link #purgeTarget()} alone
   */
  default Set<Object> purgeTargets() {
    return Set.of(purgeTarget());
  }
}
