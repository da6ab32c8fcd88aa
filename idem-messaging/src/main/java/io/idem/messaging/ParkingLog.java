package io.idem.messaging;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Says in the log that a message was parked, in the same words for every broker: where it is kept,
 * nobody may look for a while. For adapters.
 */
public final class ParkingLog {

  private ParkingLog() {}

  /**
   * Warns of a message that was parked. Called once for each, and with nothing that is in it.
   *
   * @param log the adapter's
   * @param message names the message by what its broker has given it, such as a partition and an
   *     offset; neither its key nor an id that its producer may have made of that
   * @param destination where it was received
   * @param consumerGroup for whom
   * @param reason what the inbox has found; null if it is something else, such as a handler that
   *     failed too often
   * @param detail why, in words, without anything of the message
   * @param cause what was thrown; null if nothing. Told only where there is no reason, as a
   *     handler's other failures are: what was thrown by a look-up may quote the message
   */
  public static void parked(
      Logger log,
      String message,
      String destination,
      String consumerGroup,
      @Nullable ParkReason reason,
      String detail,
      @Nullable Exception cause) {
    log.warn(
        "Message {} of {} cannot be consumed by {}, and is parked: {}{}",
        message,
        destination,
        consumerGroup,
        detail,
        reason == null ? "" : " (" + reason + ")",
        reason == null ? cause : null);
  }
}
