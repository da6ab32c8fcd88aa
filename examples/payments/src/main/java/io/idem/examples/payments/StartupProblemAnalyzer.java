package io.idem.examples.payments;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Finds the {@link StartupProblem} inside what Spring wraps around it. */
final class StartupProblemAnalyzer extends AbstractFailureAnalyzer<StartupProblem> {

  @Override
  protected FailureAnalysis analyze(@Nullable Throwable rootFailure, StartupProblem problem) {
    return new FailureAnalysis(String.valueOf(problem.getMessage()), problem.fix(), problem);
  }
}
