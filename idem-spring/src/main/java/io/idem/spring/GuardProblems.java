package io.idem.spring;

import io.idem.guard.IllegalTransitionException;
import io.idem.guard.ObjectNotFoundException;
import io.idem.guard.jdbc.GuardBusyException;
import io.idem.guard.jdbc.GuardConflictException;
import io.idem.http.ProblemType;
import java.time.Duration;
import java.util.Optional;

/**
 * What a client is told of an exception of a guard.
 *
 * <p>A row that is held, and a transaction that has to be run again, pass: the request may be sent
 * again by itself. An illegal transition and a missing object last: they are outcomes.
 */
public final class GuardProblems {

  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private GuardProblems() {}

  /**
   * The problem of an exception.
   *
   * @param thrown the exception
   * @return its problem, or nothing if it is none of a guard's or tells of a mistake in the program
   */
  public static Optional<ServiceProblem> of(Throwable thrown) {
    if (thrown instanceof IllegalTransitionException illegal) {
      return Optional.of(
          new ServiceProblem(
              ProblemType.ILLEGAL_TRANSITION,
              "It is "
                  + illegal.current().name()
                  + ", from where it cannot become "
                  + illegal.to().name()
                  + ".",
              null,
              false));
    } else if (thrown instanceof ObjectNotFoundException) {
      return Optional.of(
          new ServiceProblem(
              ProblemType.OBJECT_NOT_FOUND, "There is no object with this id.", null, false));
    } else if (thrown instanceof GuardBusyException || thrown instanceof GuardConflictException) {
      return Optional.of(
          new ServiceProblem(
              ProblemType.CONTENTION,
              "Nothing was done. Send the same request again, after the time given in Retry-After.",
              RETRY_AFTER,
              true));
    }
    return Optional.empty();
  }
}
