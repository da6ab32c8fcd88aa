package io.idem.spring.boot;

import io.idem.audit.EntryPoint;
import io.idem.audit.StatementAudit;
import io.idem.audit.StatementFinding;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;

/**
 * The actuator endpoint {@code idempotency}: what the application exposes, how it is protected, and
 * which statements ran outside any operation, where they are watched. Thread-safe.
 */
@Endpoint(id = "idempotency")
public final class IdempotencyEndpoint {

  private final EntryPointAudit entryPoints;
  private final @Nullable StatementAudit statements;

  IdempotencyEndpoint(EntryPointAudit entryPoints, @Nullable StatementAudit statements) {
    this.entryPoints = entryPoints;
    this.statements = statements;
  }

  /**
   * Reports what is known now.
   *
   * @return the report
   */
  @ReadOperation
  public Report report() {
    var found = entryPoints.entryPoints();
    return new Report(
        found.summary(),
        found.all(),
        statements == null
            ? null
            : statements.findings().stream().map(StatementReport::of).toList());
  }

  /**
   * The answer of the endpoint.
   *
   * @param summary all entry points in one line
   * @param entryPoints each of them
   * @param statements what ran outside any operation; null if statements are not watched
   */
  public record Report(
      String summary, List<EntryPoint> entryPoints, @Nullable List<StatementReport> statements) {}

  /**
   * A statement that ran outside any operation.
   *
   * @param verdict whether it is not idempotent or not known to be
   * @param kind what it does
   * @param reason why
   * @param place where it came from
   * @param sql its text, with a question mark for each literal and parameter
   * @param times how often it ran
   */
  public record StatementReport(
      String verdict, String kind, String reason, String place, String sql, long times) {

    static StatementReport of(StatementFinding finding) {
      return new StatementReport(
          finding.classification().verdict().name(),
          finding.classification().kind().name(),
          finding.classification().reason(),
          finding.callSite().toString(),
          finding.sql(),
          finding.times());
    }
  }
}
