package io.idem.messaging;

import java.time.Duration;

/**
 * The same message is being consumed elsewhere: deliver it again later, without counting this as a
 * failure. Nothing ran.
 */
public final class DeliveryBusyException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Duration delay;

  /**
   * Creates the exception.
   *
   * @param delay when it makes sense to deliver the message again, from now
   */
  public DeliveryBusyException(Duration delay) {
    super("This message is being consumed elsewhere, and is to be delivered again later");
    this.delay = delay;
  }

  /**
   * When it makes sense to deliver the message again.
   *
   * @return the time from when this was thrown
   */
  public Duration delay() {
    return delay;
  }
}
