package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Execution;
import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import org.jspecify.annotations.Nullable;

/**
 * What the store's answer to a claim means for the call that made it. Deciding asks nobody and
 * waits for nothing, so that every way of asking and waiting decides alike.
 */
sealed interface ClaimDecision<T extends @Nullable Object> {

  /** The key is the caller's. */
  record Owned<T extends @Nullable Object>(Lease lease) implements ClaimDecision<T> {}

  /** There is an answer that stands. */
  record Answered<T extends @Nullable Object>(Execution<T> answer) implements ClaimDecision<T> {}

  /** The key is abandoned, and the operation wants it claimed again, to take it over. */
  record TakeOver<T extends @Nullable Object>() implements ClaimDecision<T> {}

  /** Somebody else runs the same request. */
  record Wait<T extends @Nullable Object>() implements ClaimDecision<T> {}

  /**
   * Decides, and tells the flight what is known now. What a recorded failure is replayed as is
   * thrown.
   */
  static <T extends @Nullable Object> ClaimDecision<T> of(
      Call<T, ?> call, Flight flight, Answers answers, Claim claim) {
    if (claim instanceof Claim.Acquired acquired) {
      flight.ownedBy(call.fingerprint());
      return new Owned<>(acquired.lease());
    } else if (claim instanceof Claim.Completed completed) {
      flight.land(completed);
      return new Answered<>(answers.fromStored(call, completed));
    } else if (claim instanceof Claim.Abandoned abandoned) {
      if (isReuse(call, flight, abandoned.fingerprint())) {
        return new Answered<>(answers.keyReused(call));
      }
      return call.spec().abandoned() instanceof AbandonedPolicy.Refuse
          ? new Answered<>(answers.unresolved(call, abandoned.attempt()))
          : new TakeOver<>();
    } else {
      return isReuse(call, flight, ((Claim.Running) claim).fingerprint())
          ? new Answered<>(answers.keyReused(call))
          : new Wait<>();
    }
  }

  private static boolean isReuse(Call<?, ?> call, Flight flight, Fingerprint owner) {
    flight.ownedBy(owner);
    return !owner.matches(call.fingerprint());
  }
}
