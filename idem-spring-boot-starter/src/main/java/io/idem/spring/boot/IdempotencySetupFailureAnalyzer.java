package io.idem.spring.boot;

import io.idem.spring.IdempotencySetupException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Prints a refusal to start as what is wrong and what to change. */
final class IdempotencySetupFailureAnalyzer
    extends AbstractFailureAnalyzer<IdempotencySetupException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, IdempotencySetupException cause) {
    return new FailureAnalysis(cause.problem(), cause.fix(), cause);
  }
}
