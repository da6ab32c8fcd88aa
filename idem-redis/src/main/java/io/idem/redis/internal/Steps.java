package io.idem.redis.internal;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.redis.RedisCommand;
import io.idem.redis.RedisSettings;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is asked of the store, as scripts take it: times in milliseconds, in decimal. */
public final class Steps {

  /** A century is for ever. */
  private static final Duration LONGEST = Duration.ofDays(36_500);

  private static final byte[] NX = {'N', 'X'};
  private static final byte[] GET = {'G', 'E', 'T'};
  private static final byte[] PX = {'P', 'X'};
  private static final byte[] NO = {'0'};
  private static final byte[] YES = {'1'};

  private final byte[] prefix;
  private final long graceMillis;

  /** Steps on records that are kept as the settings say. */
  public Steps(RedisSettings settings) {
    this.prefix = settings.prefix().getBytes(StandardCharsets.UTF_8);
    this.graceMillis =
        settings.forgetUnfinishedAfter().isZero()
            ? LONGEST.toMillis()
            : Math.max(1, millis(settings.forgetUnfinishedAfter()));
  }

  /**
   * A claim as a plain command: writes the record of a first attempt, or answers what is there and
   * leaves it as it is.
   */
  public RedisCommand setIfAbsent(ClaimRequest request) {
    return new RedisCommand(
        "SET",
        List.of(
            key(request.id()),
            StoredRecord.running(request.token(), graceMillis, request.fingerprint()),
            NX,
            GET,
            PX,
            bytes(leaseMillis(request) + graceMillis)),
        0);
  }

  /**
   * A claim.
   *
   * @param mayWait whether the caller wants to be woken if somebody else runs
   */
  public Step claim(ClaimRequest request, boolean mayWait) {
    long leaseMillis = leaseMillis(request);
    return new Step(
        Script.CLAIM,
        key(request.id()),
        StoredRecord.running(request.token(), graceMillis, request.fingerprint()),
        bytes(leaseMillis + graceMillis),
        bytes(leaseMillis),
        request.takeOver() ? YES : NO,
        mayWait ? YES : NO);
  }

  private static long leaseMillis(ClaimRequest request) {
    return Math.max(1, millis(request.leaseFor()));
  }

  /** A completion. */
  public Step complete(Completion completion) {
    return complete(completion.lease(), completion.outcome(), completion.retention());
  }

  /** A completion. */
  public Step complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return new Step(
        Script.COMPLETE,
        key(lease.id()),
        lease.token().toBytes(),
        outcome.toBytes(),
        bytes(Math.max(1, millis(retention))));
  }

  /** A release. */
  public Step release(Lease lease) {
    return new Step(Script.RELEASE, key(lease.id()), lease.token().toBytes());
  }

  /** A renewal; zero gives the lease up. */
  public Step renew(Lease lease, Duration leaseFor) {
    return new Step(
        Script.RENEW, key(lease.id()), lease.token().toBytes(), bytes(millis(leaseFor)));
  }

  /** The key of a record, which is the name of its channel too. */
  public byte[] key(RecordId id) {
    return ByteBuffer.allocate(prefix.length + RecordId.BYTES)
        .put(prefix)
        .putLong(id.high())
        .putLong(id.low())
        .array();
  }

  /** The record whose key it is, or null if it has the length of none. */
  public @Nullable RecordId idOf(byte[] key) {
    return key.length == prefix.length + RecordId.BYTES
        ? RecordId.fromBytes(Arrays.copyOfRange(key, prefix.length, key.length))
        : null;
  }

  /** Rounded up, so that nothing holds shorter than asked. */
  private static long millis(Duration duration) {
    return duration.compareTo(LONGEST) >= 0
        ? LONGEST.toMillis()
        : duration.plusNanos(999_999).toMillis();
  }

  private static byte[] bytes(long number) {
    return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
  }
}
