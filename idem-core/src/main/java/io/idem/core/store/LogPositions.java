package io.idem.core.store;

import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How far readers have come in partitioned logs, kept in the database of their effects.
 *
 * <p>A position is advanced in the transaction of the effects of what was read, by a statement that
 * compares it with where the reader began. So an effect and the position behind it are committed
 * together or not at all, and of two readers of one partition, one of which does not know yet that
 * it is no longer the reader, one alone commits. Implementations are thread-safe.
 */
public interface LogPositions {

  /**
   * Where the readers of these partitions go on.
   *
   * @param partitions the partitions
   * @return what is committed; without those of which nothing is known
   * @throws StoreUnavailableException if the store cannot answer
   */
  Map<Partition, Position> read(Collection<Partition> partitions);

  /**
   * Notes where the reader of a partition begins, unless a position of it is known already. In a
   * transaction of its own.
   *
   * @param partition the partition
   * @param position where its reader begins
   * @return what is known now: the given position or the one that was there
   * @throws StoreUnavailableException if the store cannot answer
   */
  Position begin(Partition partition, Position position);

  /**
   * Runs work in the caller's transaction where one is active, else in a new one.
   *
   * @param work what to run; called once, on the calling thread
   * @param <R> what the work returns
   * @param <X> what the work throws
   * @return what the work returned, after the commit
   * @throws X what the work threw, after the rollback
   * @throws StoreUnavailableException if no transaction could be begun, and the work did not run;
   *     or if the commit failed. Then {@link #read} tells whether it took effect
   */
  <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work) throws X;

  /**
   * Work to be done inside a transaction.
   *
   * @param <R> what it returns
   * @param <X> what it throws
   */
  @FunctionalInterface
  interface Work<R extends @Nullable Object, X extends Throwable> {

    /**
     * Does the work.
     *
     * @param scope the transaction, valid until this method returns
     * @return the result
     * @throws X a failure, which rolls the transaction back
     */
    R run(Scope scope) throws X;
  }

  /** A running transaction. Not thread-safe. */
  interface Scope {

    /**
     * Moves a position from where it is believed to be, in this transaction.
     *
     * @param partition the partition
     * @param from where its reader began
     * @param next what is to be read next: more than {@code from} says
     * @return false if the position is not, or is no longer, where it is believed to be. Somebody
     *     else reads the partition, or an earlier commit took effect after all; the transaction is
     *     marked to roll back
     * @throws IllegalArgumentException if it would not be moved forwards
     * @throws StoreUnavailableException if the store cannot answer
     */
    boolean advance(Partition partition, Position from, long next);

    /**
     * What the transaction runs on.
     *
     * @param type such as {@code java.sql.Connection}
     * @param <C> the type
     * @return the object, neither closed nor committed by the caller
     * @throws IllegalArgumentException if it runs on no such thing
     */
    <C> C unwrap(Class<C> type);
  }

  /**
   * A partition as one reader sees it.
   *
   * @param reader whose position it is, such as a consumer group; 1 to 255 characters
   * @param log such as a topic; 1 to 255 characters
   * @param number which partition of the log; not negative
   */
  record Partition(String reader, String log, int number) {

    private static final int MOST_CHARACTERS = 255;

    /**
     * Checks the names.
     *
     * @param reader whose position it is
     * @param log such as a topic
     * @param number which partition of the log
     * @throws IllegalArgumentException if one of them is out of its bounds
     */
    public Partition {
      check("reader", reader);
      check("log", log);
      if (number < 0) {
        throw new IllegalArgumentException("A partition has a number from 0, found " + number);
      }
    }

    private static void check(String what, String name) {
      if (name.isEmpty() || name.length() > MOST_CHARACTERS) {
        throw new IllegalArgumentException(
            "The name of a "
                + what
                + " has 1 to "
                + MOST_CHARACTERS
                + " characters, found "
                + name.length());
      }
    }
  }

  /**
   * How far a reader has come.
   *
   * @param incarnation which log of this name it is, for logs that can be deleted and made anew; 1
   *     to 64 characters
   * @param next what is to be read next
   */
  record Position(String incarnation, long next) {

    /**
     * Checks the position.
     *
     * @param incarnation which log of this name it is
     * @param next what is to be read next
     * @throws IllegalArgumentException if one of them is out of its bounds
     */
    public Position {
      Objects.requireNonNull(incarnation, "incarnation");
      if (incarnation.isEmpty() || incarnation.length() > 64 || next < 0) {
        throw new IllegalArgumentException(
            "A position is in a log with an id of 1 to 64 characters and not negative, found "
                + next);
      }
    }
  }
}
