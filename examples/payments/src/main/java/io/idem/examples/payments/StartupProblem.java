package io.idem.examples.payments;

import org.jspecify.annotations.Nullable;

/** A reason not to start that the person who started the service can remove. */
final class StartupProblem extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String fix;

  StartupProblem(String description, String fix) {
    this(description, fix, null);
  }

  StartupProblem(String description, String fix, @Nullable Throwable cause) {
    super(description, cause);
    this.fix = fix;
  }

  /** What to do about it, a whole sentence. */
  String fix() {
    return fix;
  }
}
