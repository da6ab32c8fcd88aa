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
 */
public final class MessageFailedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int index;
  private final Exception failure;
  private final boolean isBeforeAny;

  /**
   * Creates the exception.
   *
   * @param index the place of the message in the list of deliveries, {@link
   *     BatchHandler.Fresh#index()}
   * @param failure what went wrong with it
   */
  public MessageFailedException(int index, Exception failure) {
    this(index, failure, false);
  }

  private MessageFailedException(int index, Exception failure, boolean isBeforeAny) {
    super("Message " + index + " of a batch failed", failure);
    this.index = index;
    this.failure = failure;
    this.isBeforeAny = isBeforeAny;
  }

  /**
   * The exception of a handler that found out before it had begun any message, such as by reading
   * them all first: nothing happened. In leased mode too, all keys are released, and the messages
   * before the failed one are given to the handler again.
   *
   * @param index the place of the message in the list of deliveries, {@link
   *     BatchHandler.Fresh#index()}
   * @param failure what is wrong with it
   * @return the exception, to be thrown
   */
  public static MessageFailedException beforeAny(int index, Exception failure) {
    return new MessageFailedException(index, failure, true);
  }

  /**
   * The place of the message in the list of deliveries.
   *
   * @return the index, starting at 0
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
}
