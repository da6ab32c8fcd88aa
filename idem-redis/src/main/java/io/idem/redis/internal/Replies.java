package io.idem.redis.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.redis.RedisReplyException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the scripts' replies say. Each method throws where a reply says nothing certain. */
final class Replies {

  /** What a script answers for a value that is no record. */
  private static final long NOT_A_RECORD = -1;

  private static final String CLAIMING = "Claiming";
  private static final byte[] OK = {'O', 'K'};

  private Replies() {}

  /**
   * The answer to a claim as a plain command, or null where only the script can tell: what is there
   * runs or is no record, or the server refused the write and may still read. A refused command has
   * not been carried out, and the claim by script is under the same token.
   */
  static @Nullable Claim claimed(ClaimRequest request, @Nullable Object reply) {
    if (reply == null) {
      return new Claim.Acquired(new Lease(request.id(), request.token(), 1));
    }
    return reply instanceof byte[] value && StoredRecord.isCompleted(value)
        ? claim(request, value)
        : null;
  }

  /** Whether it is what a plain SET answers that has written. */
  static boolean isOk(@Nullable Object reply) {
    return reply instanceof byte[] status && Arrays.equals(status, OK);
  }

  /** The answer to a claim by script. */
  static Claim claim(ClaimRequest request, @Nullable Object reply) {
    requireRecord(CLAIMING, request.id(), reply);
    try {
      if (reply instanceof Long attempt) {
        return new Claim.Acquired(
            new Lease(request.id(), request.token(), Math.toIntExact(attempt)));
      }
      if (reply instanceof byte[] value) {
        StoredRecord stored = new StoredRecord(value);
        return new Claim.Completed(stored.fingerprintOfOutcome(), stored.outcome());
      }
      if (reply instanceof List<?> pair
          && pair.get(0) instanceof byte[] value
          && pair.get(1) instanceof Long left) {
        StoredRecord stored = new StoredRecord(value);
        return left > 0
            ? new Claim.Running(stored.fingerprintOfRun(), Duration.ofMillis(left))
            : new Claim.Abandoned(stored.fingerprintOfRun(), stored.attempt());
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new StoreUnavailableException(
          what(CLAIMING, request.id()) + ": the record cannot be read", e);
    }
    throw Failures.unexpected(what(CLAIMING, request.id()), reply);
  }

  /**
   * The answer to a write that is conditional on a lease.
   *
   * @param doing what was tried, for example "Completing"
   */
  static LeaseCheck check(String doing, RecordId id, @Nullable Object reply) {
    requireRecord(doing, id, reply);
    if (reply instanceof Long held) {
      return held == 1 ? LeaseCheck.HELD : LeaseCheck.LOST;
    }
    throw Failures.unexpected(what(doing, id), reply);
  }

  private static void requireRecord(String doing, RecordId id, @Nullable Object reply) {
    if (reply instanceof RedisReplyException e) {
      throw Failures.unavailable(what(doing, id), e);
    }
    if (reply instanceof Long answer && answer == NOT_A_RECORD) {
      throw Failures.foreign(what(doing, id));
    }
  }

  private static String what(String doing, RecordId id) {
    return doing + " record " + id;
  }
}
