package io.idem.core;

import java.time.Instant;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What became of checking a token. Immutable and thread-safe. */
public sealed interface TokenCheck {

  /**
   * The token is genuine, and meant for this operation and subject.
   *
   * @param key the idempotency key that it carries: a UUIDv7 (RFC 9562, section 5.7), whose time is
   *     that of the issue
   * @param issuedAt when it was issued, by the clock of the node that did
   * @param expiresAt when it stops being accepted, by the same clock
   */
  record Valid(String key, Instant issuedAt, Instant expiresAt) implements TokenCheck {

    /** The times; the key itself stays out of logs. */
    @Override
    public String toString() {
      return "Valid[issuedAt=" + issuedAt + ", expiresAt=" + expiresAt + "]";
    }
  }

  /**
   * The token cannot be used.
   *
   * @param reason why
   */
  record Refused(Reason reason) implements TokenCheck {}

  /**
   * Turns each kind of check into one thing.
   *
   * @param valid for {@link Valid}
   * @param refused for {@link Refused}
   * @param <R> what they become
   * @return what the function of this check's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Valid, R> valid, Function<Refused, R> refused) {
    return this instanceof Valid result
        ? valid.apply(result)
        : refused.apply((TokenCheck.Refused) this);
  }

  /** Why a token cannot be used. Where several hold, the first in this order is told. */
  enum Reason {
    /** The text is no token. */
    MALFORMED,
    /**
     * It names a signing key that is not known here: it was made up, its key was removed, or it
     * comes from a node that has other keys.
     */
    UNKNOWN_KEY,
    /** Its signature is not that of its key: it was made up or changed. */
    FORGED,
    /** It is genuine, and was issued for another operation or namespace. */
    OTHER_OPERATION,
    /** It is genuine, and was issued to another subject. */
    OTHER_SUBJECT,
    /**
     * It is genuine, and was issued later than now by more than clocks may differ. The clock of
     * this node or of the one that issued it is wrong, so its expiry says nothing.
     */
    FROM_THE_FUTURE,
    /** It is genuine, and its time is over. */
    EXPIRED
  }
}
