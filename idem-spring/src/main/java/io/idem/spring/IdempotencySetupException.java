package io.idem.spring;

import org.jspecify.annotations.Nullable;

/** The application's set-up cannot hold what it promises, so the application does not start. */
public class IdempotencySetupException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  private final String problem;
  private final String fix;

  /**
   * Creates the exception.
   *
   * @param problem what was expected and what was found, as a sentence
   * @param fix what to change, as a sentence
   */
  public IdempotencySetupException(String problem, String fix) {
    this(problem, fix, null);
  }

  /**
   * Creates the exception.
   *
   * @param problem what was expected and what was found, as a sentence
   * @param fix what to change, as a sentence
   * @param cause what made it known, if anything
   */
  public IdempotencySetupException(String problem, String fix, @Nullable Throwable cause) {
    super(problem + " " + fix, cause);
    this.problem = problem;
    this.fix = fix;
  }

  /**
   * What was expected and what was found.
   *
   * @return a sentence
   */
  public String problem() {
    return problem;
  }

  /**
   * What to change.
   *
   * @return a sentence
   */
  public String fix() {
    return fix;
  }
}
