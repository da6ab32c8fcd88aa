package io.idem.core.store;

import org.jspecify.annotations.Nullable;

/**
 * A store whose records live in the same database as the effect, and commit with it.
 *
 * <p>No lease and no clean-up: commit publishes the record and the effect together, rollback and a
 * crash free the key. Implementations are thread-safe.
 */
public interface TransactionalStore {

  /**
   * Runs work in the caller's transaction where one is active, else in a new one.
   *
   * <p>A new transaction is committed when the work returns, and rolled back when it throws or has
   * asked for {@link TransactionScope#setRollbackOnly()}. A joined one is left to its owner, marked
   * to roll back in the same two cases.
   *
   * @param work what to run; called once, on the calling thread
   * @param <R> what the work returns
   * @param <X> what the work throws
   * @return what the work returned, after the commit
   * @throws X what the work threw, after the rollback
   * @throws CommitRefusedException if the database does not commit what the work wrote; all of it
   *     is rolled back
   * @throws StoreUnavailableException if no transaction could be begun, and the work did not run;
   *     or if nobody knows whether its commit took effect
   */
  <R extends @Nullable Object, X extends Throwable> R inTransaction(TransactionWork<R, X> work)
      throws X;

  /**
   * Where the records are. What two stores with equal targets are asked of one key is answered by
   * one record.
   *
   * @return a value with a meaningful {@code equals}; by default what a {@linkplain ExpiredEntries
   *     purge} works on, or else this store itself
   */
  default Object recordTarget() {
    return this instanceof ExpiredEntries entries ? entries.purgeTarget() : this;
  }

  /**
   * Work to be done inside a transaction.
   *
   * @param <R> what it returns
   * @param <X> what it throws
   */
  @FunctionalInterface
  interface TransactionWork<R extends @Nullable Object, X extends Throwable> {

    /**
     * Does the work.
     *
     * @param scope the transaction, valid until this method returns
     * @return the result
     * @throws X a failure, which rolls the transaction back
     */
    R run(TransactionScope scope) throws X;
  }
}
