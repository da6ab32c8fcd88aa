package io.idem.core.store;

/**
 * The readable parts of a scoped key, kept beside the {@link RecordId} for operators.
 *
 * <p>A store never looks anything up by them. The key is a client's data: it may be stored, and is
 * never logged. Immutable and thread-safe.
 *
 * @param namespace the application or tenant, possibly empty
 * @param operation the operation's name
 * @param source the caller, possibly empty
 * @param key the idempotency key as the caller sent it
 */
public record RecordLabel(String namespace, String operation, String source, String key) {

  /** Everything but the key, which stays out of logs. */
  @Override
  public String toString() {
    return "RecordLabel[namespace=" + namespace + ", operation=" + operation + "]";
  }
}
