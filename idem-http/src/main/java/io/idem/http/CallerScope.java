package io.idem.http;

/** Whether keys belong to the caller that sent them. */
public enum CallerScope {
  /**
   * A key is its caller's own: nobody else can meet it or be given its answer. A request without a
   * caller is refused.
   */
  CALLER,
  /**
   * All callers share one set of keys. For endpoints without authentication, whose answers hold
   * nothing that is one caller's: whoever knows a key and the request is given its answer.
   */
  SHARED
}
