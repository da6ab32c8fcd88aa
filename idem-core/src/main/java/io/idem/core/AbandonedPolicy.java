package io.idem.core;

/**
 * What happens to a request that meets an abandoned key: one whose last run ended without an
 * outcome that anybody knows.
 *
 * @param <T> the type of the operation's result
 */
public sealed interface AbandonedPolicy<T> {

  /**
   * Tells the caller that the outcome is {@linkplain Execution.Unresolved unknown}, until somebody
   * settles it. The default: an unknown outcome is never silently run again.
   *
   * @param <T> the type of the operation's result
   */
  record Refuse<T>() implements AbandonedPolicy<T> {}

  /**
   * Runs the body again. For bodies that are safe to repeat, for example because every outside call
   * carries {@link Attempt#outgoingKey(String)}. Where it runs {@linkplain Attempt#step steps}, it
   * resumes behind the last that is finished.
   *
   * @param <T> the type of the operation's result
   */
  record Retry<T>() implements AbandonedPolicy<T> {}

  /**
   * Asks the outside world what happened. At most one caller at a time asks, under a lease.
   *
   * @param hook asks, and answers with what it found
   * @param <T> the type of the operation's result
   */
  record Recover<T>(RecoveryHook<T> hook) implements AbandonedPolicy<T> {}

  /**
   * Finds out what became of a run that nobody saw the end of. Thread-safe.
   *
   * @param <T> the type of the operation's result
   */
  @FunctionalInterface
  interface RecoveryHook<T> {

    /**
     * Asks the outside world.
     *
     * @param attempt the run that is being recovered; its {@link Attempt#outgoingKey(String)} gives
     *     the keys the lost run used
     * @return what was found
     * @throws Exception if nothing could be found out; the key stays abandoned
     */
    Recovery<T> recover(Attempt attempt) throws Exception;
  }

  /**
   * What a recovery found.
   *
   * @param <T> the type of the operation's result
   */
  sealed interface Recovery<T> {

    /**
     * The lost run took effect: its result is stored, and every caller is given it.
     *
     * @param result the result
     * @param <T> the type of the operation's result
     */
    record Happened<T>(T result) implements Recovery<T> {}

    /**
     * The lost run had no effect: the body runs now.
     *
     * @param <T> the type of the operation's result
     */
    record DidNotHappen<T>() implements Recovery<T> {}

    /**
     * It cannot be told yet: the key stays abandoned.
     *
     * @param <T> the type of the operation's result
     */
    record StillUnknown<T>() implements Recovery<T> {}
  }
}
