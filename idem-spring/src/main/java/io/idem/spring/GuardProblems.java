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
 * <p>A row that is held, and a transaction that has to be run again, pass. The request may be sent
 * again by itself only where one transaction surrounded all of it: elsewhere something that was
 * committed before would be done twice. An illegal transition and a missing object last: they are
 * outcomes.
 */
public final class GuardProblems {

  private static final ServiceProblem UNDONE =
      new ServiceProblem(
          ProblemType.CONTENTION,
          "Nothing was done. Send the same request again, with the same key, after the time given in"
              + " Retry-After.",
          Duration.ofSeconds(1),
          true);
  private static final ServiceProblem UNSETTLED =
      new ServiceProblem(
          ProblemType.CONTENTION_UNSETTLED,
          "This was not carried out to its end. Look up what became of it before you send it again.",
          null,
          true);

  private GuardProblems() {}

  /**
   * The problem of an exception.
   *
   * @param thrown the exception
   * @param undone whether everything that the request did is undone, as in a transactional attempt
   * @return its problem, or nothing if it is none of a guard's or tells of a mistake in the program
   */
  public static Optional<ServiceProblem> of(Throwable thrown, boolean undone) {
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
      return Optional.of(undone ? UNDONE : UNSETTLED);
    }
    return Optional.empty();
  }

  /**
   * Whether an exception is none of a guard's that is answered, but has one among its causes.
   *
   * @param thrown the exception
   * @return false for a guard's exception itself
   */
  public static boolean isWrapped(Throwable thrown) {
    if (of(thrown, false).isPresent()) {
      return false;
    }
    Throwable cause = thrown.getCause();
    while (cause != null && of(cause, false).isEmpty()) {
      cause = cause.getCause();
    }
    return cause != null;
  }
}
