package io.idem.spring;

import io.idem.core.KeyBusyException;
import io.idem.core.KeyReusedException;
import io.idem.core.OutcomeUnknownException;
import io.idem.core.ResultNotStoredException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.http.ProblemType;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.NestedExceptionUtils;

/**
 * What a client is told of an exception that the engine throws out of an {@link Idempotent} service
 * method, or that a guard throws.
 *
 * @param type why the request is refused
 * @param detail what to do about it, without anything of the key
 * @param retryAfter when to try again, or null if that is not known
 * @param passing whether it may be otherwise the next time, so that it is no outcome of an endpoint
 *     around the call
 * @param resumable whether it stopped a {@linkplain io.idem.core.Attempt#step step} of the very
 *     operation that the client asked for, which goes on with the next request
 */
public record ServiceProblem(
    ProblemType type,
    String detail,
    @Nullable Duration retryAfter,
    boolean passing,
    boolean resumable) {

  private static final Duration STORE_RETRY_AFTER = Duration.ofSeconds(5);

  /**
   * A problem that stopped no step.
   *
   * @param type why the request is refused
   * @param detail what to do about it, without anything of the key
   * @param retryAfter when to try again, or null if that is not known
   * @param passing whether it may be otherwise the next time
   */
  public ServiceProblem(
      ProblemType type, String detail, @Nullable Duration retryAfter, boolean passing) {
    this(type, detail, retryAfter, passing, false);
  }

  /**
   * The problem of an exception.
   *
   * @param thrown the exception
   * @return its problem, or nothing if it is none of the engine's
   */
  public static Optional<ServiceProblem> of(Throwable thrown) {
    if (thrown instanceof KeyBusyException busy) {
      return Optional.of(
          new ServiceProblem(
              ProblemType.IN_PROGRESS,
              "Send the same request with the same key again, after the time given in Retry-After.",
              busy.retryAfter(),
              true,
              busy.step() != null));
    } else if (thrown instanceof KeyReusedException) {
      return lasting(
          ProblemType.KEY_REUSED,
          "Use a new key for a new request, and the unchanged request to repeat one.");
    } else if (thrown instanceof OutcomeUnknownException) {
      return passing(
          ProblemType.OUTCOME_UNKNOWN,
          "An earlier run of this operation was interrupted. It has to be settled before the key"
              + " can be used again.",
          null);
    } else if (thrown instanceof ResultNotStoredException) {
      return lasting(
          ProblemType.ANSWER_NOT_STORED,
          "The operation was carried out; look its result up through another endpoint.");
    } else if (thrown instanceof StoreUnavailableException) {
      return passing(
          ProblemType.STORE_UNAVAILABLE,
          "It cannot be told at the moment whether this was carried out before. Send it again with"
              + " the same key.",
          STORE_RETRY_AFTER);
    } else if (thrown instanceof MissingKeyException) {
      return lasting(
          ProblemType.KEY_MISSING,
          "This operation needs an idempotency key: send one with the request, and the same one"
              + " with every retry.");
    } else if (thrown instanceof MalformedKeyException) {
      return lasting(ProblemType.KEY_MALFORMED, String.valueOf(thrown.getMessage()));
    } else if (thrown instanceof UnknownCallerException) {
      return lasting(
          ProblemType.CALLER_REQUIRED,
          "Idempotency keys of this operation belong to a caller. Authenticate, then send the"
              + " request again with the same key.");
    }
    return Optional.empty();
  }

  /**
   * What a client is told inside of a leased endpoint, whose own outcome a passing problem leaves
   * unknown: its key says so from now on, which the client had better hear at once. What stopped a
   * step of the endpoint's own is told as it is.
   *
   * @return this, or the problem of the endpoint
   */
  public ServiceProblem insideLeased() {
    return passing && !resumable
        ? new ServiceProblem(
            ProblemType.OUTCOME_UNKNOWN,
            "A part of this operation could not be carried out now, and it is not known what became"
                + " of the rest. It has to be settled before the key can be used again.",
            null,
            true)
        : this;
  }

  /**
   * What a client is told where no run of an endpoint surrounds what was thrown. The part that
   * could not reach its store did nothing, but what its caller did before is not undone, and a key,
   * if the endpoint takes one at all, would not keep a repeat from doing it again. A busy key is
   * told as it is: who meets one is a repeat already, and is owed the answer of the first.
   *
   * @return this, or that it is not known how far the request came
   */
  public ServiceProblem outsideOfRun() {
    return type == ProblemType.STORE_UNAVAILABLE
        ? new ServiceProblem(
            ProblemType.STORE_UNSETTLED,
            "This was not carried out to its end. Look up what became of it before you send it"
                + " again.",
            null,
            true)
        : this;
  }

  /**
   * What a log says of an exception that comes from outside: what was tried, and what kind of
   * failure that met.
   *
   * @param thrown the exception
   * @return one line, without what a driver said, which may have values of a row in it
   */
  public static String forLog(Throwable thrown) {
    Throwable cause = NestedExceptionUtils.getMostSpecificCause(thrown);
    return cause == thrown
        ? String.valueOf(thrown.getMessage())
        : thrown.getMessage() + " (" + cause.getClass().getName() + ")";
  }

  private static Optional<ServiceProblem> passing(
      ProblemType type, String detail, @Nullable Duration retryAfter) {
    return Optional.of(new ServiceProblem(type, detail, retryAfter, true));
  }

  private static Optional<ServiceProblem> lasting(ProblemType type, String detail) {
    return Optional.of(new ServiceProblem(type, detail, null, false));
  }
}
