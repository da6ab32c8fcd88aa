package io.idem.redis;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.Batch;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.KeyWatchers;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.redis.internal.Abilities;
import io.idem.redis.internal.ServerCheck;
import io.idem.redis.internal.Step;
import io.idem.redis.internal.Steps;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
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
 *       compares the token, decides by the server's own clock and writes. From Redis 7.0 on, a
 *       plain SET comes before the script of a claim, and is enough for a key that is new or
 *       completed. From Redis 8.4 and Valkey 8.1 on, one that compares comes before the script of a
 *       completion, and is enough if nobody else has asked for the key. A batch is as many
 *       commands, sent at once.
 *   <li>A completed record ends by its key's own expiry. One without an outcome is kept a century
 *       beyond its lease, or as long as the settings say; what its key has left, less that time, is
 *       what is left of the lease.
 *   <li>Who finds a key running leaves a mark in its record, and the end of a marked run is
 *       published to those who wait for it on other nodes.
 * </ol>
 *
 * <p>It is an {@link AsyncStore}, too, where the port is an {@link AsyncRedisPort}.
 *
 * <p>A failover of Redis can lose the last writes, and with them a claim or an outcome; the guide
 * {@code docs/redis.md} says what follows. The readable parts of a key are not kept. Thread-safe;
 * the port belongs to whoever made it.
 */
public final class RedisIdempotencyStore
    implements IdempotencyStore, BatchClaims, CompletionSignal {

  private static final Logger log = LoggerFactory.getLogger("io.idem.redis");

  private final RedisPort port;
  private final RedisSettings settings;
  private final Steps steps;
  private final Set<String> warned = ConcurrentHashMap.newKeySet();
  private final @Nullable RedisChannels channels;
  private final @Nullable AsyncStore async;
  private final KeyWatchers watchers = new KeyWatchers(this::subscribe, this::unsubscribe);

  /**
   * Creates a store with the default settings.
   *
   * @param port how Redis is reached
   * @throws IllegalStateException if a server is too old, a replica, or a node of a cluster that
   *     the client knows nothing of
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
   * @throws IllegalStateException if a server is too old, a replica, a node of a cluster that the
   *     client knows nothing of, or may evict keys where the settings forbid it
   * @throws StoreUnavailableException if Redis cannot be reached
   */
  public RedisIdempotencyStore(RedisPort port, RedisSettings settings) {
    this.port = port;
    this.settings = settings;
    this.steps = new Steps(settings);
    check();
    this.channels = settings.wakeWaiters() ? port.listen(this::changed) : null;
    this.async = port instanceof AsyncRedisPort asyncPort ? new Async(asyncPort) : null;
  }

  @Override
  public <C> Optional<C> capability(Class<C> type) {
    return type == AsyncStore.class
        ? Optional.ofNullable(type.cast(async))
        : IdempotencyStore.super.capability(type);
  }

  /**
   * Looks at every primary: whether it can be reached, is new enough and takes writes. Warns of one
   * that may evict keys, once.
   *
   * @throws IllegalStateException if a server cannot hold records
   * @throws StoreUnavailableException if one cannot be reached
   */
  public void check() {
    Abilities ofAll = Abilities.ALL;
    for (RedisPort primary : port.primaries()) {
      // Of a cluster's client these are its nodes, and no whole connection of Lettuce's.
      Supplier<byte[]> onlyServer = primary instanceof LettuceRedis ? this::someKey : null;
      ofAll =
          ofAll.and(
              ServerCheck.check(primary, onlyServer, settings.requireNoEviction(), this::warn));
    }
    steps.serversCan(ofAll);
  }

  /** A key that no record has. */
  private byte[] someKey() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return steps.key(new RecordId(random.nextLong(), random.nextLong()));
  }

  private void warn(String warning) {
    if (warned.add(warning)) {
      log.warn(warning);
    }
  }

  @Override
  public Claim claim(ClaimRequest request) {
    return Step.run(port, steps.claim(request, channels != null));
  }

  /**
   * Claims many keys, all at once: one round trip, in a cluster one to each node that has keys of
   * the batch; from Redis 7.0 on, a second one for those that somebody else runs.
   */
  @Override
  public List<Claim> claimAll(List<ClaimRequest> requests) {
    return Batch.claim(
        requests,
        null,
        false,
        distinct ->
            Step.runAll(port, distinct.stream().map(each -> steps.claim(each, false)).toList()));
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return Step.run(port, steps.complete(lease, outcome, retention));
  }

  /**
   * Completes many keys, all at once: one round trip, in a cluster one to each node that has keys
   * of the batch; where completions are plain commands, a second one for keys that somebody has
   * found running or taken over.
   */
  @Override
  public List<LeaseCheck> completeAll(List<Completion> completions) {
    Batch.requireBounded(completions.size());
    return Step.runAll(port, completions.stream().map(steps::complete).toList());
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return Step.run(port, steps.release(lease));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return Step.run(port, steps.renew(lease, leaseFor));
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

  private void subscribe(RecordId id) {
    if (channels != null) {
      channels.subscribe(steps.key(id));
    }
  }

  private void unsubscribe(RecordId id) {
    try {
      if (channels != null) {
        channels.unsubscribe(steps.key(id));
      }
    } catch (RuntimeException e) {
      log.debug("Somebody goes on listening for record {}", id, e);
    }
  }

  /** A channel is named as the key it tells of. */
  private void changed(byte[] channel) {
    RecordId id = steps.idOf(channel);
    if (id != null) {
      watchers.wake(id);
    }
  }

  /** The same steps, without waiting for their replies. */
  private final class Async implements AsyncStore {

    private final AsyncRedisPort port;

    Async(AsyncRedisPort port) {
      this.port = port;
    }

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      return Step.runAsync(port, steps.claim(request, channels != null));
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      return Step.runAsync(port, steps.complete(lease, outcome, retention));
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      return Step.runAsync(port, steps.release(lease));
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      return Step.runAsync(port, steps.renew(lease, leaseFor));
    }
  }
}
