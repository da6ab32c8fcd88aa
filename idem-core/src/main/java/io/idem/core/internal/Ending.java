package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.FailureMapping;
import io.idem.core.store.StoredOutcome;
import org.jspecify.annotations.Nullable;

/**
 * What is to become of a leased key when its run is over. Deciding writes nothing, so that every
 * way of writing decides alike.
 */
sealed interface Ending {

  /** The key gets an outcome. */
  record Recorded(StoredOutcome outcome) implements Ending {}

  /** The run had no effect. */
  record Freed() implements Ending {}

  /**
   * Nobody knows the outcome.
   *
   * @param cause what the body threw, if it did
   */
  record GivenUp(@Nullable Throwable cause) implements Ending {}

  /** Decides about a result. */
  static <T extends @Nullable Object> Ending ofResult(Call<T, ?> call, Answers answers, T result) {
    return switch (Answers.dispositionOf(call, result)) {
      case RELEASE -> new Freed();
      case RECORD, RECORD_REJECTION -> new Recorded(answers.encodeOrExplain(call.spec(), result));
      case UNKNOWN -> new GivenUp(null);
    };
  }

  /** Decides about what a body threw. */
  static Ending ofFailure(Call<?, ?> call, Answers answers, Throwable failure) {
    try {
      FailureMapping<?> mapping = call.spec().mappingFor(failure);
      if (mapping != null) {
        return new Recorded(answers.encode(call.spec(), mapping, failure));
      }
      return switch (call.spec().dispositionOf(failure)) {
        case RELEASE -> new Freed();
        case UNKNOWN, RECORD, RECORD_REJECTION -> new GivenUp(failure);
      };
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
      return new GivenUp(failure);
    }
  }

  /**
   * Whether freeing the key must leave it abandoned: this run had no effect, which says nothing of
   * an earlier one, or of a step that is recorded. The next request takes the key over, and the
   * attempt number goes on growing.
   */
  static boolean isEarlierRunUnknown(Call<?, ?> call, HeldLease held) {
    RecordedSteps steps = held.steps;
    return (steps != null && steps.keepKey())
        || (held.lease.attempt() > 1 && call.spec().abandoned() instanceof AbandonedPolicy.Retry);
  }
}
