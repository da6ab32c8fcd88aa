package io.idem.http;

/**
 * What becomes of a request that sends a key to where nothing protects it: its client believes that
 * it may be repeated, and it may not. Safe methods (RFC 9110, section 9.2.1) are always let pass.
 */
public enum UnprotectedKeys {
  /** Let it run in silence. */
  IGNORE,
  /** Let it run, and say so in the header {@value HttpIdempotency#IGNORED_HEADER}. */
  FLAG,
  /** Refuse it with {@link ProblemType#KEY_NOT_SUPPORTED}; nothing runs. */
  REFUSE
}
