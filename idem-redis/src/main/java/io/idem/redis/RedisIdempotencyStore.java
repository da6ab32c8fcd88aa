package io.idem.redis;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.KeyWatchers;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.redis.internal.Failures;
import io.idem.redis.internal.Script;
import io.idem.redis.internal.ServerCheck;
import io.idem.redis.internal.StoredRecord;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leased keys in Redis 6.2 or later, or Valkey: standalone, behind Sentinel or in a cluster.
 *
 * <ol>
 *   <li>One string for each record, under the prefix and the 16 bytes of its id, so that a cluster
 *       spreads them over its slots.
 *   <li>Each method is one script, which the server carries out as a whole: it reads the record,
 *       compares the token, decides by the server's own clock and writes.
 *   <li>A completed record ends by its key's own expiry. One without an outcome has none, unless
 *       the settings say otherwise.
 *   <li>A completion is published to those who wait for the key on other nodes.
 * </ol>
 *
 * <p>A failover of Redis can lose the last writes, and with them a claim or an outcome; the guide
 * {@code docs/redis.md} says what follows. The readable parts of a key are not kept. Thread-safe;
 * the port belongs to whoever made it.
 */
public final class RedisIdempotencyStore implements IdempotencyStore, CompletionSignal {

  private static final Logger log = LoggerFactory.getLogger("io.idem.redis");

  /** What a script answers for a value that is no record. */
  private static final long NOT_A_RECORD = -1;

  private static final Duration LONGEST = Duration.ofDays(36_500);
  private static final byte[] NO = {'0'};
  private static final byte[] YES = {'1'};

  private final RedisPort port;
  private final RedisSettings settings;
  private final byte[] prefix;
  private final byte[] wake;
  private final Set<String> warned = ConcurrentHashMap.newKeySet();
  private final @Nullable RedisChannels channels;
  private final KeyWatchers watchers = new KeyWatchers(this::subscribe, this::unsubscribe);

  /**
   * Creates a store with the default settings.
   *
   * @param port how Redis is reached
   * @throws IllegalStateException if a server is too old or a replica
   * @throws StoreUnavailableException if Redis cannot be reached
   */
  public RedisIdempotencyStore(RedisPort port) {
    this(port, RedisSettings.defaults());
  }

  /**
   * Creates a store.
   *
   * @param port how Redis is reached
   * @param settings how records are kept
   * @throws IllegalStateException if a server is too old, a replica, or may evict keys where the
   *     settings forbid it
   * @throws StoreUnavailableException if Redis cannot be reached
   */
  public RedisIdempotencyStore(RedisPort port, RedisSettings settings) {
    this.port = port;
    this.settings = settings;
    this.prefix = settings.prefix().getBytes(StandardCharsets.UTF_8);
    check();
    this.channels = settings.wakeWaiters() ? port.listen(this::changed) : null;
    this.wake = channels == null ? NO : YES;
  }

  /**
   * Looks at every primary: whether it can be reached, is new enough and takes writes. Warns of one
   * that may evict keys, once.
   *
   * @throws IllegalStateException if a server cannot hold records
   * @throws StoreUnavailableException if one cannot be reached
   */
  public void check() {
    port.primaries()
        .forEach(primary -> ServerCheck.check(primary, settings.requireNoEviction(), this::warn));
  }

  private void warn(String warning) {
    if (warned.add(warning)) {
      log.warn(warning);
    }
  }

  @Override
  public Claim claim(ClaimRequest request) {
    String what = "Claiming record " + request.id();
    long leaseMillis = Math.max(1, millis(request.leaseFor()));
    Object reply =
        run(
            what,
            Script.CLAIM,
            request.id(),
            request.token().toBytes(),
            request.fingerprint().toBytes(),
            bytes(leaseMillis),
            request.takeOver() ? YES : NO,
            keepFor(leaseMillis));
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
      throw new StoreUnavailableException(what + ": the record cannot be read", e);
    }
    throw Failures.unexpected(what, reply);
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return write(
        "Completing record ",
        Script.COMPLETE,
        lease,
        outcome.toBytes(),
        bytes(Math.max(1, millis(retention))),
        wake);
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return write("Releasing record ", Script.RELEASE, lease, wake);
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    long leaseMillis = millis(leaseFor);
    return write(
        "Renewing the lease of record ",
        Script.RENEW,
        lease,
        bytes(leaseMillis),
        keepFor(leaseMillis),
        wake);
  }

  @Override
  public @Nullable Watch watch(RecordId id, Runnable wake) {
    if (channels == null) {
      return null;
    }
    try {
      return watchers.add(id, wake);
    } catch (RuntimeException e) {
      log.debug("Nobody can listen for record {} now", id, e);
      return null;
    }
  }

  private LeaseCheck write(String verb, Script script, Lease lease, byte[]... rest) {
    byte[][] arguments = new byte[rest.length + 1][];
    arguments[0] = lease.token().toBytes();
    System.arraycopy(rest, 0, arguments, 1, rest.length);
    Object reply = run(verb + lease.id(), script, lease.id(), arguments);
    if (reply instanceof Long held) {
      return held == 1 ? LeaseCheck.HELD : LeaseCheck.LOST;
    }
    throw Failures.unexpected(verb + lease.id(), reply);
  }

  private @Nullable Object run(String what, Script script, RecordId id, byte[]... arguments) {
    Object reply;
    try {
      reply = script.run(port, key(id), arguments);
    } catch (RedisReplyException e) {
      throw Failures.unavailable(what, e);
    }
    if (reply instanceof Long answer && answer == NOT_A_RECORD) {
      throw Failures.foreign(what);
    }
    return reply;
  }

  private byte[] key(RecordId id) {
    byte[] key = Arrays.copyOf(prefix, prefix.length + RecordId.BYTES);
    System.arraycopy(id.toBytes(), 0, key, prefix.length, RecordId.BYTES);
    return key;
  }

  /** How long a record is kept without an outcome, as the scripts take it. */
  private byte[] keepFor(long leaseMillis) {
    return settings.forgetUnfinishedAfter().isZero()
        ? NO
        : bytes(leaseMillis + Math.max(1, millis(settings.forgetUnfinishedAfter())));
  }

  private void subscribe(RecordId id) {
    if (channels != null) {
      channels.subscribe(key(id));
    }
  }

  private void unsubscribe(RecordId id) {
    try {
      if (channels != null) {
        channels.unsubscribe(key(id));
      }
    } catch (RuntimeException e) {
      log.debug("Somebody goes on listening for record {}", id, e);
    }
  }

  /** A channel is named as the key it tells of. */
  private void changed(byte[] channel) {
    if (channel.length == prefix.length + RecordId.BYTES) {
      watchers.wake(RecordId.fromBytes(Arrays.copyOfRange(channel, prefix.length, channel.length)));
    }
  }

  /** Rounded up, so that nothing holds shorter than asked; a century is for ever. */
  private static long millis(Duration duration) {
    return duration.compareTo(LONGEST) >= 0
        ? LONGEST.toMillis()
        : duration.plusNanos(999_999).toMillis();
  }

  private static byte[] bytes(long number) {
    return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
  }
}
