package io.idem.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The work of an operation for many requests at once.
 *
 * @param <T> the type of the operation's result
 * @param <X> what it throws
 */
@FunctionalInterface
public interface BatchBody<T extends @Nullable Object, X extends Throwable> {

  /**
   * Does the work for the requests whose keys are fresh. What it throws is the failure of them all,
   * unless {@link #progress} knows better.
   *
   * @param fresh the requests that are to run, in the caller's order; at least one
   * @return a result for each of them, in the same order
   * @throws X a failure; none of them is recorded as done but what {@link #progress} says is
   */
  List<? extends T> run(List<Item> fresh) throws X;

  /**
   * Told before the body runs, in transactional mode, that others are in the middle of some of the
   * keys. What it throws rolls the batch back and is thrown to the caller: for those who must not
   * do the later requests before the earlier ones.
   *
   * @param busy the places of the requests that will be answered {@link Execution.Busy}, in
   *     ascending order, only the first of each key; at least one
   * @param joined whether the transaction is the caller's, who then has to roll it back
   * @throws X to give the batch up; nothing ran, and none of its keys is recorded
   */
  default void busy(List<Integer> busy, boolean joined) throws X {}

  /**
   * Asked how far the body has come when it has thrown, in leased mode, where nothing can be rolled
   * back. What is said to be done is recorded, and the answers are returned instead of a failure
   * thrown. Not asked in transactional mode.
   *
   * @param failure what {@link #run} threw
   * @return which of the requests are done; null, as by default, if nobody knows
   */
  default @Nullable Progress<T> progress(Throwable failure) {
    return null;
  }

  /**
   * How far a body came that has failed: the first of its requests are done, and the others have
   * failed.
   *
   * @param done the results of those that are done, from the first one on, fewer than there are
   *     requests; what becomes of their keys is as if the body had returned them
   * @param failure what the others failed with, and are answered with as {@link ItemAnswer.Failed}
   * @param others what is known of the others
   * @param <T> the type of the operation's result
   */
  record Progress<T extends @Nullable Object>(
      List<? extends T> done, Exception failure, Others others) {}

  /** What is known of the requests that a body which failed has not done. */
  enum Others {
    /** Nothing happened for any of them, whatever the failure is: their keys are released. */
    NOT_BEGUN,
    /**
     * If the operation releases keys for the failure, nothing happened for any of them, and their
     * keys are released; else they are abandoned.
     */
    BY_FAILURE,
    /** Something may have happened, whatever the failure is: their keys are abandoned. */
    UNKNOWN
  }

  /**
   * One request that is to run.
   *
   * @param index its place in the list that the caller gave, starting at 0
   * @param attempt its run
   */
  record Item(int index, Attempt attempt) {}

  /**
   * Work that takes the requests one by one.
   *
   * @param work called for each fresh request in turn
   * @param <T> the type of the operation's result
   * @param <X> what it throws
   * @return the work as a body
   */
  static <T extends @Nullable Object, X extends Throwable> BatchBody<T, X> each(
      EachItem<T, X> work) {
    return fresh -> {
      List<T> results = new ArrayList<>(fresh.size());
      for (Item item : fresh) {
        results.add(work.run(item));
      }
      return results;
    };
  }

  /**
   * Work without results.
   *
   * @param work called once with all fresh requests
   * @param <X> what it throws
   * @return the work as a body
   */
  static <X extends Throwable> BatchBody<@Nullable Void, X> all(AllItems<X> work) {
    return fresh -> {
      work.run(fresh);
      return Collections.nCopies(fresh.size(), null);
    };
  }

  /**
   * Work for one request of a batch.
   *
   * @param <T> the type of its result
   * @param <X> what it throws
   */
  @FunctionalInterface
  interface EachItem<T extends @Nullable Object, X extends Throwable> {

    /**
     * Does the work.
     *
     * @param item the request
     * @return its result
     * @throws X a failure of the whole batch
     */
    T run(Item item) throws X;
  }

  /**
   * Work for all fresh requests of a batch.
   *
   * @param <X> what it throws
   */
  @FunctionalInterface
  interface AllItems<X extends Throwable> {

    /**
     * Does the work.
     *
     * @param fresh the requests
     * @throws X a failure of the whole batch
     */
    void run(List<Item> fresh) throws X;
  }
}
