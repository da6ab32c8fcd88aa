package io.idem.testkit;

import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;

/**
 * A transactional store, as the contracts see it: two clients that stand for two nodes, a table of
 * effects, and a look behind the store's back.
 *
 * <p>The one thing a backend writes to run {@link TransactionalStoreContract} and {@link
 * TransactionalBatchContract}. An effect is a row of the backend's choosing, written in the
 * transaction under the name of a key.
 */
public interface TransactionalFixture {

  /**
   * The store under test, which begins transactions of its own.
   *
   * @return a client of it
   */
  TransactionalStore store();

  /**
   * The same store as another node sees it.
   *
   * @return a client that shares nothing with {@link #store()} but the stored records
   */
  TransactionalStore otherStore();

  /**
   * The same store with one connection to take, and no second one while that is taken: it fails at
   * once, or the case that waits for it does.
   *
   * @return a client that begins transactions of its own on a pool of one connection
   */
  TransactionalStore storeOnOneConnection();

  /**
   * The same records as leased keys.
   *
   * @return a leased store of the same records
   */
  IdempotencyStore leasedStore();

  /**
   * Runs work in a transaction that the backend's own means begin and end, on a pool whose one
   * connection it has taken.
   *
   * @param work what to run; the transaction is committed if it answers true, else rolled back
   */
  void inCallersTransaction(TransactionalStoreContract.CallersWork work);

  /**
   * Writes an effect in the transaction.
   *
   * @param scope the transaction
   * @param name the effect's name
   */
  void write(TransactionScope scope, RecordId name);

  /**
   * Writes in the transaction what the database refuses only when it is to commit that, such as
   * what breaks a deferred constraint.
   *
   * @param scope the transaction
   * @return whether it did; false, and nothing is written, where the database checks everything at
   *     once, which is the default
   */
  default boolean writeUncommittable(TransactionScope scope) {
    return false;
  }

  /**
   * Counts committed effects.
   *
   * @param name the effect's name
   * @return how often it was written
   */
  int effects(RecordId name);

  /**
   * Counts the statements that wait for another transaction right now.
   *
   * @return how many the database knows of
   */
  int waiting();

  /**
   * Sets what a wait for a rival may need to change in a session, such as its lock timeout, to a
   * value that no store would choose. It may be set for the transaction only.
   *
   * @param scope the transaction
   */
  void set(TransactionScope scope);

  /**
   * What {@link #set} has set.
   *
   * @param scope the same transaction
   * @return what the session now has
   */
  String settings(TransactionScope scope);

  /**
   * Whether a transaction may lock more than the keys that it holds, as InnoDB does with gaps
   * beside them and with records that it has read, so that a free key is told busy meanwhile.
   *
   * @return false by default
   */
  default boolean locksNeighbours() {
    return false;
  }

  /**
   * Whether a claim's wait is bounded whatever the transaction that it waits for has done before.
   * Where it is not, random histories do not let transactions meet.
   *
   * @return true, unless overridden
   */
  default boolean boundsEveryWait() {
    return true;
  }

  /**
   * What the store rounds a wait up to.
   *
   * @return nothing, unless overridden
   */
  default Duration waitUnit() {
    return Duration.ZERO;
  }

  /**
   * Makes a record older, instead of sleeping.
   *
   * @param id whose; the record is there
   * @param by how far every time stored with it is moved into the past
   */
  void age(RecordId id, Duration by);
}
