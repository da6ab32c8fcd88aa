package io.idem.spring.boot;

import io.idem.guard.UnsoundMachineException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Prints the flaws of a state machine that a guard was to be made of. */
final class UnsoundMachineFailureAnalyzer extends AbstractFailureAnalyzer<UnsoundMachineException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, UnsoundMachineException cause) {
    return new FailureAnalysis(cause.problem(), cause.fix(), cause);
  }
}
