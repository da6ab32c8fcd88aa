package io.idem.messaging;

import io.idem.core.Execution;
import io.idem.core.ItemAnswer;
import io.idem.core.Recording;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is to become of a delivery.
 *
 * <p>The first two are acknowledged. What the handler throws is none of these: it is thrown, and
 * the broker's own rules for failures decide.
 */
public sealed interface DeliveryDecision {

  /**
   * The handler ran now, and its effect is durable: acknowledge.
   *
   * @param recording what became of the record
   */
  record Ran(Recording recording) implements DeliveryDecision {}

  /** The message was consumed before; nothing ran now: acknowledge. */
  record Skip() implements DeliveryDecision {}

  /**
   * The same message is being consumed elsewhere, or one before it in its order is. It is to be
   * delivered again, as often as it takes: this is no failure, and must not count as one where
   * failures are limited.
   *
   * @param delay when it makes sense to deliver it again, from now
   */
  record RedeliverLater(Duration delay) implements DeliveryDecision {}

  /**
   * The message can never be consumed as it is: put it where a person looks, such as a dead-letter
   * queue. Nothing ran now.
   *
   * @param reason why
   * @param detail why, in words, without anything of the message
   * @param cause what was thrown; null if nothing
   */
  record Park(ParkReason reason, String detail, @Nullable Exception cause)
      implements DeliveryDecision {}

  /**
   * Whether the delivery is to be acknowledged.
   *
   * @return true for {@link Ran} and {@link Skip}
   */
  default boolean isDone() {
    return this instanceof Ran || this instanceof Skip;
  }

  /**
   * Turns each kind of decision into one thing.
   *
   * @param ran for {@link Ran}
   * @param skip for {@link Skip}
   * @param redeliverLater for {@link RedeliverLater}
   * @param park for {@link Park}
   * @param <R> what they become
   * @return what the function of this decision's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Ran, R> ran,
      Function<Skip, R> skip,
      Function<RedeliverLater, R> redeliverLater,
      Function<Park, R> park) {
    if (this instanceof Ran decision) {
      return ran.apply(decision);
    } else if (this instanceof Skip decision) {
      return skip.apply(decision);
    } else if (this instanceof RedeliverLater decision) {
      return redeliverLater.apply(decision);
    } else {
      return park.apply((Park) this);
    }
  }

  /**
   * For containers that are told by exceptions what to do.
   *
   * @throws DeliveryBusyException for {@link RedeliverLater}
   * @throws DeliveryParkedException for {@link Park}
   */
  default void orElseThrow() {
    if (this instanceof RedeliverLater later) {
      throw new DeliveryBusyException(later.delay());
    } else if (this instanceof Park park) {
      throw new DeliveryParkedException(park);
    }
  }

  /**
   * What an engine's answer means for a delivery.
   *
   * @param answer the answer of an operation that was executed with a key of the message
   * @return the decision
   */
  static DeliveryDecision of(Execution<?> answer) {
    return answer.fold(
        ran ->
            switch (ran.recording()) {
              case STORED, PENDING, UNPROTECTED -> new Ran(ran.recording());
              case FREED -> new RedeliverLater(Duration.ZERO);
              case UNKNOWN -> unknown();
            },
        replayed -> new Skip(),
        busy -> new RedeliverLater(busy.retryAfter()),
        reused ->
            new Park(
                ParkReason.KEY_REUSED, "A different message was consumed under the same key", null),
        unresolved -> unknown(),
        notStored -> new Skip());
  }

  /**
   * What an engine's answer to one request of a batch means for a delivery.
   *
   * @param answer the answer
   * @return the decision; {@link ParkReason#REJECTED} for {@link ItemAnswer.Failed}
   */
  static DeliveryDecision of(ItemAnswer<?> answer) {
    return answer instanceof ItemAnswer.Answered<?> answered
        ? of(answered.execution())
        : rejected(((ItemAnswer.Failed<?>) answer).failure());
  }

  /**
   * The decision about a message whose earlier run was rejected for good.
   *
   * @param failure the recorded failure
   * @return to park it
   */
  static Park rejected(Exception failure) {
    return new Park(
        ParkReason.REJECTED, "An earlier run of this message was rejected for good", failure);
  }

  private static Park unknown() {
    return new Park(
        ParkReason.OUTCOME_UNKNOWN,
        "An earlier run of this message ended without a known outcome",
        null);
  }
}
