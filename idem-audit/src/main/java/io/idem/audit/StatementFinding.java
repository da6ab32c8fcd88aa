package io.idem.audit;

/**
 * A statement that ran outside any operation and is not known to be idempotent. Immutable and
 * thread-safe.
 *
 * @param callSite where it came from
 * @param sql its text, without comments, and with a question mark for each literal; cut off after 2
 *     000 characters
 * @param classification what is known of it; its reason has no literal either
 * @param times how often it ran from there until now; at least 1
 */
public record StatementFinding(
    CallSite callSite, String sql, Classification classification, long times) {

  /** For a reader, in one line. */
  @Override
  public String toString() {
    return classification.verdict()
        + " "
        + callSite
        + ": "
        + sql.strip().replaceAll("\\s+", " ")
        + " ("
        + classification.reason()
        + ")";
  }
}
