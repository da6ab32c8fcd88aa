package io.idem.messaging;

/** Thrown by a {@link BatchHandler} that knows which of its messages failed. */
public final class MessageFailedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int index;
  private final Exception failure;

  /**
   * Creates the exception.
   *
   * @param index the place of the message in the list of deliveries, {@link
   *     BatchHandler.Fresh#index()}
   * @param failure what went wrong with it
   */
  public MessageFailedException(int index, Exception failure) {
    super("Message " + index + " of a batch failed", failure);
    this.index = index;
    this.failure = failure;
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
}
