package io.idem.audit;

/**
 * What is known of a statement. Immutable and thread-safe.
 *
 * @param verdict whether it is naturally idempotent
 * @param kind what it does
 * @param reason why, in one sentence that names the columns; never a parameter's value
 */
public record Classification(Verdict verdict, StatementKind kind, String reason) {

  static Classification idempotent(StatementKind kind, String reason) {
    return new Classification(Verdict.IDEMPOTENT, kind, reason);
  }

  static Classification not(StatementKind kind, String reason) {
    return new Classification(Verdict.NOT_IDEMPOTENT, kind, reason);
  }

  static Classification unknown(StatementKind kind, String reason) {
    return new Classification(Verdict.UNKNOWN, kind, reason);
  }

  /**
   * Whether a repeat is known to change nothing more.
   *
   * @return true for {@link Verdict#IDEMPOTENT} alone
   */
  public boolean isIdempotent() {
    return verdict == Verdict.IDEMPOTENT;
  }
}
