package io.idem.audit;

/** Whether a second execution of a statement, with the same parameters, changes anything more. */
public enum Verdict {
  /** A repeat leaves the database as the first execution left it. */
  IDEMPOTENT,
  /** A repeat has an effect of its own, or two executions at once do. */
  NOT_IDEMPOTENT,
  /** It cannot be told from the statement. Never to be taken for idempotent. */
  UNKNOWN
}
