package io.idem.examples.payments;

import io.idem.guard.Transition;
import io.idem.guard.VersionWrite;

/**
 * What became of a step of an order, as the client is told.
 *
 * @param answer {@code APPLIED}, {@code ALREADY_THERE}, {@code ALREADY_PAST}, {@code REPEAT} or
 *     {@code STALE}
 * @param now the state the order is in, or the sequence that is stored
 */
record GuardAnswer(String answer, String now) {

  /** Of a transition that is neither illegal nor of no order. */
  static GuardAnswer of(Transition<OrderState> transition) {
    return transition.fold(
        applied -> new GuardAnswer("APPLIED", applied.to().name()),
        there -> new GuardAnswer("ALREADY_THERE", there.current().name()),
        past -> new GuardAnswer("ALREADY_PAST", past.current().name()),
        illegal -> {
          throw new IllegalStateException("An illegal transition is thrown");
        },
        missing -> {
          throw new NotFound("There is no such order.");
        });
  }

  static GuardAnswer of(VersionWrite write) {
    return write.fold(
        applied -> new GuardAnswer("APPLIED", Long.toString(applied.version())),
        repeat -> new GuardAnswer("REPEAT", Long.toString(repeat.version())),
        stale -> new GuardAnswer("STALE", String.valueOf(stale.current())),
        missing -> {
          throw new NotFound("There is no such order.");
        });
  }
}
