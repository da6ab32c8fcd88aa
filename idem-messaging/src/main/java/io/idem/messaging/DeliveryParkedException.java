package io.idem.messaging;

/**
 * The message can never be consumed as it is: recover it at once, for example to a dead-letter
 * queue, and do not deliver it again. Nothing ran.
 */
public final class DeliveryParkedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final ParkReason reason;

  /**
   * Creates the exception.
   *
   * @param park why
   */
  public DeliveryParkedException(DeliveryDecision.Park park) {
    super(park.detail() + " (" + park.reason() + ")", park.cause());
    this.reason = park.reason();
  }

  /**
   * Why the message is parked.
   *
   * @return the reason
   */
  public ParkReason reason() {
    return reason;
  }
}
