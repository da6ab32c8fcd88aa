package io.idem.client;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an answer says by itself, whatever was sent before it.
 *
 * @param kind what it says of the effect
 * @param again whether the same request may be answered otherwise later
 */
record Reading(Kind kind, boolean again) {

  /** What an answer says of the effect. */
  enum Kind {
    /** Carried out, as far as the answer tells by this very request. */
    RAN,
    /** Carried out before. */
    REPLAYED,
    /** Carried out before, and the answer is lost. */
    NOT_STORED,
    /** Another request of the key is being carried out. */
    BUSY,
    /** The operation itself says no: it was not carried out, under this key, at any time. */
    REFUSED,
    /** This request was not carried out; of earlier ones that says nothing. */
    TURNED_AWAY,
    /** Nobody knows. */
    UNKNOWN
  }

  /** Statuses that others than the operation give, for reasons that change while it is repeated. */
  private static final Set<Integer> BEFORE_THE_OPERATION =
      Set.of(307, 308, 401, 403, 404, 405, 407, 410, 412, 421, 426, 451, 501, 505, 506, 508, 511);

  /** The same, for reasons that pass by themselves. */
  private static final Set<Integer> NOT_NOW = Set.of(408, 425, 429);

  static Reading of(ReceivedAnswer answer, boolean conflictIsBusy) {
    int status = answer.status();
    if (answer.isReplayed()) {
      Kind told = toldBy(answer);
      boolean open = status >= 500 || told == Kind.UNKNOWN || told == Kind.NOT_STORED;
      // A problem may be one of another service that the operation called, and passed on.
      return new Reading(status < 400 ? Kind.REPLAYED : open ? Kind.UNKNOWN : Kind.REFUSED, false);
    }
    Kind told = toldBy(answer);
    Kind kind = told == null ? kindOf(answer, conflictIsBusy) : told;
    return new Reading(kind, again(answer.saysRetryable(), kind, status));
  }

  /** What a problem of Idem's says by its type. */
  private static @Nullable Kind toldBy(ReceivedAnswer answer) {
    if (answer.isProblem("in-progress")) {
      return Kind.BUSY;
    } else if (answer.isProblem("answer-not-stored")) {
      return Kind.NOT_STORED;
    } else if (answer.isProblem("outcome-unknown")
        || answer.isProblem("contention-unsettled")
        || answer.isProblem("store-unsettled")
        // Told also where a commit was not answered, or a step that had others before it.
        || answer.isProblem("store-unavailable")) {
      return Kind.UNKNOWN;
    } else if (answer.isProblem("contention")
        // Says that another request has the key: one sent before, perhaps, with the same effect.
        || answer.isProblem("key-reused")
        // Said of a token that this call may have been carried out under before.
        || answer.isProblem("token-expired")
        || answer.isProblem("token-invalid")) {
      return Kind.TURNED_AWAY;
    }
    return null;
  }

  private static Kind kindOf(ReceivedAnswer answer, boolean conflictIsBusy) {
    int status = answer.status();
    if (BEFORE_THE_OPERATION.contains(status) || NOT_NOW.contains(status)) {
      return Kind.TURNED_AWAY;
    } else if (status < 400) {
      return Kind.RAN;
    } else if (status == 409 && isBusy(answer, conflictIsBusy)) {
      return Kind.BUSY;
    } else if (status < 500 && answer.isUnreadable()) {
      // It may be any of the problems above.
      return status == 409 ? Kind.UNKNOWN : Kind.TURNED_AWAY;
    }
    return status < 500 ? Kind.REFUSED : Kind.UNKNOWN;
  }

  /** The IETF draft has 409 for a request that is still running, and asks for no explanation. */
  private static boolean isBusy(ReceivedAnswer answer, boolean conflictIsBusy) {
    Boolean retryable = answer.saysRetryable();
    if (retryable != null) {
      return retryable;
    }
    return conflictIsBusy || answer.header("Retry-After").isPresent();
  }

  private static boolean again(@Nullable Boolean said, Kind kind, int status) {
    if (kind == Kind.RAN) {
      return false;
    }
    if (said != null) {
      return said;
    }
    return switch (kind) {
      case BUSY -> true;
      // A 409 is one of Idem's own, which are not run again.
      case UNKNOWN -> status >= 500;
      case TURNED_AWAY -> NOT_NOW.contains(status) || status == 503;
      default -> false;
    };
  }
}
