package io.idem.redis.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.MetRecords;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.redis.RedisCommand;
import io.idem.redis.RedisSettings;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is asked of the servers for each method of the store, by the cheapest way that all of them
 * have: a plain command or a script. Times are sent in milliseconds, in decimal. Thread-safe.
 */
public final class Steps {

  /** A century is for ever. */
  private static final Duration LONGEST = Duration.ofDays(36_500);

  private static final byte[] NX = {'N', 'X'};
  private static final byte[] GET = {'G', 'E', 'T'};
  private static final byte[] PX = {'P', 'X'};
  private static final byte[] IFEQ = {'I', 'F', 'E', 'Q'};
  private static final byte[] NO = {'0'};
  private static final byte[] YES = {'1'};

  private final byte[] prefix;
  private final long graceMillis;
  private final OwnRecords own = new OwnRecords();
  private final MetRecords met = new MetRecords();
  final PlainForm plainClaims = new PlainForm("SET with NX and GET", "claimed");
  final PlainForm plainCompletions = new PlainForm("SET with IFEQ", "completed");

  /** Steps on records that are kept as the settings say. */
  public Steps(RedisSettings settings) {
    this.prefix = settings.prefix().getBytes(StandardCharsets.UTF_8);
    this.graceMillis =
        settings.forgetUnfinishedAfter().isZero()
            ? LONGEST.toMillis()
            : Math.max(1, millis(settings.forgetUnfinishedAfter()));
  }

  /** Says what all servers are known to be able to do. Before, everything is a script. */
  public void serversCan(Abilities abilities) {
    plainClaims.serversTakeIt(abilities.plainClaims());
    plainCompletions.serversTakeIt(abilities.plainCompletions());
  }

  /**
   * A claim.
   *
   * @param mayWait whether the caller wants to be woken if somebody else runs
   */
  public Step<Claim> claim(ClaimRequest request, boolean mayWait) {
    return met.mayContain(request.id())
        ? new MetClaim(this, request, mayWait)
        : claimUnmet(request, mayWait);
  }

  /** A claim that writes if nothing is there. */
  Step<Claim> claimUnmet(ClaimRequest request, boolean mayWait) {
    return plainClaims.isTaken()
        ? new PlainClaim(this, request, mayWait)
        : claimByScript(request, mayWait);
  }

  /** The record that a first attempt writes. */
  byte[] firstRecord(ClaimRequest request) {
    return StoredRecord.running(request.token(), graceMillis, request.fingerprint());
  }

  /** Writes a record, or answers what is there and leaves it as it is. */
  RedisCommand setIfAbsent(ClaimRequest request, byte[] record) {
    return set(key(request.id()), record, leaseMillis(request) + graceMillis, NX, GET);
  }

  /** Reads what is there. */
  RedisCommand get(RecordId id) {
    return new RedisCommand("GET", List.of(key(id)), 0);
  }

  /** Notes a record that has an outcome. */
  void completed(RecordId id) {
    met.add(id);
  }

  /** Notes what a plain claim has written. */
  void acquired(OwnerToken token, byte[] record) {
    if (plainCompletions.isTaken()) {
      own.put(token, record);
    }
  }

  Step<Claim> claimByScript(ClaimRequest request, boolean mayWait) {
    long leaseMillis = leaseMillis(request);
    return new ScriptStep<>(
        Script.CLAIM,
        reply -> {
          Claim claim = Replies.claim(request, reply);
          if (claim instanceof Claim.Completed) {
            completed(request.id());
          }
          return claim;
        },
        key(request.id()),
        firstRecord(request),
        bytes(leaseMillis + graceMillis),
        bytes(leaseMillis),
        request.takeOver() ? YES : NO,
        mayWait ? YES : NO);
  }

  private static long leaseMillis(ClaimRequest request) {
    return Math.max(1, millis(request.leaseFor()));
  }

  /** A completion. */
  public Step<LeaseCheck> complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return complete(new Completion(lease, outcome, retention));
  }

  /** A completion. */
  public Step<LeaseCheck> complete(Completion completion) {
    byte[] running = plainCompletions.isTaken() ? own.take(completion.lease().token()) : null;
    return running == null
        ? completeByScript(completion)
        : new PlainCompletion(this, completion, running);
  }

  /** Writes the outcome if the record is still the one of the run. */
  RedisCommand setIfEqual(Completion completion, byte[] running) {
    return set(
        key(completion.lease().id()),
        StoredRecord.completed(running, completion.outcome().toBytes()),
        retentionMillis(completion),
        IFEQ,
        running);
  }

  Step<LeaseCheck> completeByScript(Completion completion) {
    Lease lease = completion.lease();
    return check(
        Script.COMPLETE,
        reply -> {
          LeaseCheck check = Replies.check("Completing", lease.id(), reply);
          if (check == LeaseCheck.HELD) {
            completed(lease.id());
          }
          return check;
        },
        lease,
        completion.outcome().toBytes(),
        bytes(retentionMillis(completion)));
  }

  private static long retentionMillis(Completion completion) {
    return Math.max(1, millis(completion.retention()));
  }

  /** A release. */
  public Step<LeaseCheck> release(Lease lease) {
    return check(Script.RELEASE, reading("Releasing", lease), lease);
  }

  /** A renewal; zero gives the lease up. */
  public Step<LeaseCheck> renew(Lease lease, Duration leaseFor) {
    return check(
        Script.RENEW, reading("Renewing the lease of", lease), lease, bytes(millis(leaseFor)));
  }

  private static Function<@Nullable Object, LeaseCheck> reading(String doing, Lease lease) {
    return reply -> Replies.check(doing, lease.id(), reply);
  }

  /** A script that compares the token of a lease, which is its first argument. */
  private ScriptStep<LeaseCheck> check(
      Script script,
      Function<@Nullable Object, LeaseCheck> reader,
      Lease lease,
      byte[]... arguments) {
    byte[][] all = new byte[1 + arguments.length][];
    all[0] = lease.token().toBytes();
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return new ScriptStep<>(script, reader, key(lease.id()), all);
  }

  private static RedisCommand set(
      byte[] key, byte[] value, long expiryMillis, byte[]... condition) {
    return new RedisCommand(
        "SET", List.of(key, value, condition[0], condition[1], PX, bytes(expiryMillis)), 0);
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
