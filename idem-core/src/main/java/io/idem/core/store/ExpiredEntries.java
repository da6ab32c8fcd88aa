package io.idem.core.store;

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
   * @throws StoreUnavailableException if the store cannot say
   */
  int purgeExpired(int limit);
}
