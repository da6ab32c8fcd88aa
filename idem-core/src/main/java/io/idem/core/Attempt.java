package io.idem.core;

/**
 * One run of an operation's body.
 *
 * <p>Valid while the body runs. Thread-safe, so that a body may hand it to threads of its own.
 */
public interface Attempt {

  /**
   * The operation's name.
   *
   * @return the name
   */
  String operation();

  /**
   * Where the record of this run is written.
   *
   * @return the operation's mode
   */
  Mode mode();

  /**
   * How often the key was claimed since its record was created.
   *
   * <p>It is 1 for a first run and grows each time an abandoned key is taken over, so it serves as
   * a fencing number to a system that remembers the greatest it has seen. A key that is freed
   * starts again at 1. In transactional mode it is always 1, because a failed run leaves no trace.
   *
   * @return the number, starting at 1
   */
  int number();

  /**
   * A key for a call to another system, the same on every run of this operation under this key.
   *
   * @param step what distinguishes this call from the others of the body
   * @return a UUID in its canonical form, derived from the scoped key and the step
   * @throws IllegalArgumentException if the step is not valid Unicode
   */
  String outgoingKey(String step);

  /**
   * Whether this run still owns its key, as far as this node knows.
   *
   * <p>A body that takes long can ask before each effect that cannot be undone. True is no proof:
   * the lease may have run out a moment ago.
   *
   * @return false once the store has said that somebody else owns the key
   */
  boolean isOwner();

  /**
   * Whether the run is part of a transaction that was there before and is committed by somebody
   * else, so that what it returned is durable only then.
   *
   * @return true in a joined transaction; false in leased mode
   */
  boolean isJoined();

  /**
   * The transaction's resource, such as a {@code java.sql.Connection}, in transactional mode.
   *
   * @param type the type wanted
   * @param <C> the type wanted
   * @return the resource; the body neither closes nor commits it
   * @throws IllegalStateException in leased mode
   * @throws IllegalArgumentException if the transaction has no such resource
   */
  <C> C unwrap(Class<C> type);
}
