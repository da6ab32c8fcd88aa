package io.idem.messaging;

import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What is to become of the deliveries of a batch.
 *
 * @param decisions a decision for each delivery, in their order; where one failed, for those before
 *     it. What they say is durable
 * @param failure the delivery that failed; null if none did. It and the ones behind it are to be
 *     delivered again: they have had no effect, or in leased mode the operation decides about the
 *     next delivery
 */
public record BatchOutcome(List<DeliveryDecision> decisions, @Nullable Failure failure) {

  /**
   * Copies the list.
   *
   * @param decisions a decision for each delivery
   * @param failure the delivery that failed, or null
   */
  public BatchOutcome {
    decisions = List.copyOf(decisions);
  }

  /**
   * A delivery whose handler failed.
   *
   * @param index its place in the list of deliveries, starting at 0
   * @param cause what the handler threw
   */
  public record Failure(int index, Exception cause) {}

  /**
   * The first delivery that is not to be acknowledged. On a log, where to acknowledge one is to
   * acknowledge all before it, this is where the next read begins.
   *
   * @return its place, starting at 0; empty if all are to be acknowledged
   */
  public OptionalInt firstNotDone() {
    OptionalInt undecided =
        IntStream.range(0, decisions.size()).filter(i -> !decisions.get(i).isDone()).findFirst();
    return undecided.isEmpty() && failure != null ? OptionalInt.of(failure.index()) : undecided;
  }
}
