package io.idem.examples.payments;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalysisReporter;

/** Says on standard error, in one line, why the service did not start. */
final class OneLineFailureReporter implements FailureAnalysisReporter {

  @Override
  public void report(FailureAnalysis analysis) {
    System.err.println(line(analysis.getDescription(), analysis.getAction()));
  }

  static String line(@Nullable String... parts) {
    return Stream.of(parts)
        .filter(part -> part != null && !part.isBlank())
        .map(part -> part.strip().replaceAll("\\s+", " "))
        .collect(Collectors.joining(" ", "payments: ", ""));
  }
}
