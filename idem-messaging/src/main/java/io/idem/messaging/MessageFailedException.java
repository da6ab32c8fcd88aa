package io.idem.messaging;

/**
 * Thrown by a {@link BatchHandler} that knows which of its messages failed.
 *
 * <p>In transactional mode everything is rolled back all the same, and what stands before that
 * message is given to the handler again. In leased mode nothing is rolled back, so that the place
 * says what is done: the messages before it are, and are recorded. Whether something happened for
 * it or for those behind it, the operation says by the {@linkplain #failure() failure}. If it
 * releases the keys for that, they are delivered again and run; so a handler that takes messages
 * side by side must not let a failure that is named in {@code releaseOn} stand before a message
 * that may have been done. If it does not, their outcome is unknown.
 *
 * <p>It is a word to the inbox that called the handler, and to no other: one that comes out of an
 * inbox which was called by a handler says nothing of the messages of that handler.
 */
public final class MessageFailedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private static final int NO_PLACE = -1;

  private final int index;
  private final Exception failure;
  private final boolean isBeforeAny;

  /** Written by the inbox whose handler threw it, and read by one around that. */
  private volatile boolean spent;

  /**
   * A message failed, and those before it are done.
   *
   * @param message the message, one of those that the handler was given
   * @param failure what went wrong with it
   */
  public MessageFailedException(BatchHandler.Fresh<?> message, Exception failure) {
    this(message.index(), failure);
  }

  /**
   * A message failed, and those before it are done.
   *
   * @param index the place of the message in the list of deliveries, {@link
   *     BatchHandler.Fresh#index()}, which is another one than its place among the fresh ones
   * @param failure what went wrong with it
   */
  public MessageFailedException(int index, Exception failure) {
    this(index, failure, false);
  }

  private MessageFailedException(int index, Exception failure, boolean isBeforeAny) {
    super((index == NO_PLACE ? "A message" : "Message " + index) + " of a batch failed", failure);
    this.index = index;
    this.failure = failure;
    this.isBeforeAny = isBeforeAny;
  }

  /**
   * The exception of a handler that found out before it had begun any message, such as by reading
   * them all first: nothing happened. In leased mode too, all keys are released, and the messages
   * before the failed one are given to the handler again.
   *
   * @param message the message, one of those that the handler was given
   * @param failure what is wrong with it
   * @return the exception, to be thrown
   */
  public static MessageFailedException beforeAny(BatchHandler.Fresh<?> message, Exception failure) {
    return new MessageFailedException(message.index(), failure, true);
  }

  /**
   * The exception of a handler that has done some of its messages and not others, and does not know
   * which. In leased mode the outcome of all of them is unknown, whatever the operation says of the
   * failure. In transactional mode it says no more than the failure.
   *
   * @param failure what went wrong
   * @return the exception, to be thrown
   */
  public static MessageFailedException somewhere(Exception failure) {
    return new MessageFailedException(NO_PLACE, failure, false);
  }

  /**
   * The place of the message in the list of deliveries.
   *
   * @return the index, starting at 0; -1 if it is not known
   */
  public int index() {
    return index;
  }

  /**
   * What went wrong with it.
   *
   * @return the failure
   */
  public Exception failure() {
    return failure;
  }

  /**
   * Whether nothing happened for any of the messages.
   *
   * @return true if it was made by {@link #beforeAny}
   */
  public boolean isBeforeAny() {
    return isBeforeAny;
  }

  /** It leaves the inbox whose handler threw it. */
  void leave() {
    spent = true;
  }

  /** Whether it has left an inbox, and says nothing to one around that. */
  boolean isSpent() {
    return spent;
  }
}
