package io.idem.benchmarks.stores;

import io.idem.benchmarks.load.Caller;
import io.idem.benchmarks.load.Comparison;
import io.idem.core.BatchBody;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.redis.LettuceRedis;
import io.idem.redis.RedisIdempotencyStore;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/** One Redis: a key that is set and set again, by hand and by Idem, each over one connection. */
final class RedisFloor implements AutoCloseable {

  private static final int REPLAYED = 1_000;
  private static final int BATCH = 500;
  private static final long LEASE = Duration.ofMinutes(1).toMillis();
  private static final long RETENTION = Duration.ofDays(1).toMillis();
  private static final String ANSWER = "x".repeat(200);

  private final RedisClient client;
  private final StatefulRedisConnection<String, String> connection;
  private final LettuceRedis port;
  private final Idempotency idempotency;
  private final List<String> stored;
  private final String name;

  RedisFloor(String url) {
    this.client = RedisClient.create(url);
    this.connection = client.connect();
    this.name = name(connection.sync().info("server"));
    this.port = LettuceRedis.of(client, Duration.ofSeconds(10));
    this.idempotency = Idempotency.builder().store(new RedisIdempotencyStore(port)).build();
    this.stored = IntStream.range(0, REPLAYED).mapToObj(i -> key()).toList();
    Operation<String> operation = idempotency.operation("replayed", String.class).build();
    for (String key : stored) {
      operation.execute(key, () -> ANSWER);
      connection.sync().set(key, ANSWER, SetArgs.Builder.px(RETENTION));
    }
  }

  private static String name(String info) {
    return value(info, "valkey_version")
        .map(version -> "Redis: Valkey " + version)
        .orElseGet(() -> "Redis " + value(info, "redis_version").orElseThrow());
  }

  private static Optional<String> value(String info, String name) {
    return info.lines()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).trim())
        .findFirst();
  }

  List<Comparison> comparisons() {
    Operation<String> fresh = idempotency.operation("fresh", String.class).build();
    Operation<String> replayed = idempotency.operation("replayed", String.class).build();
    RedisCommands<String, String> redis = connection.sync();
    Caller setTwice =
        () -> {
          String key = key();
          if (redis.set(key, "running", SetArgs.Builder.nx().px(LEASE)) == null) {
            throw new IllegalStateException("A random key was there already");
          }
          redis.set(key, ANSWER, SetArgs.Builder.px(RETENTION));
        };
    Caller get =
        () -> {
          if (!ANSWER.equals(redis.get(any()))) {
            throw new IllegalStateException("The answer is not there");
          }
        };
    Caller run = () -> fresh.execute(key(), () -> ANSWER);
    Caller replay =
        () -> {
          if (!(replayed.execute(any(), () -> "never") instanceof Execution.Replayed)) {
            throw new IllegalStateException("Not replayed");
          }
        };
    Caller runAll = () -> fresh.executeAll(batch(), BatchBody.each(item -> ANSWER));
    return List.of(
        new Comparison(name, "new key", "SET NX PX, SET PX", 0.9, 1, () -> setTwice, () -> run),
        new Comparison(name, "replay", "GET", 0.9, 1, () -> get, () -> replay),
        new Comparison(
            name,
            "batch of " + BATCH,
            "a pipeline of SET NX PX, one of SET PX",
            0,
            BATCH,
            this::pipelines,
            () -> runAll));
  }

  /** A caller with a connection of its own, because it holds back what it sends. */
  private Caller pipelines() {
    StatefulRedisConnection<String, String> own = client.connect();
    own.setAutoFlushCommands(false);
    RedisAsyncCommands<String, String> redis = own.async();
    return () -> {
      List<String> keys = IntStream.range(0, BATCH).mapToObj(i -> key()).toList();
      List<RedisFuture<String>> claims =
          keys.stream()
              .map(key -> redis.set(key, "running", SetArgs.Builder.nx().px(LEASE)))
              .toList();
      own.flushCommands();
      for (RedisFuture<String> claim : claims) {
        if (claim.get() == null) {
          throw new IllegalStateException("A random key was there already");
        }
      }
      List<RedisFuture<String>> outcomes =
          keys.stream().map(key -> redis.set(key, ANSWER, SetArgs.Builder.px(RETENTION))).toList();
      own.flushCommands();
      for (RedisFuture<String> outcome : outcomes) {
        outcome.get();
      }
    };
  }

  private static List<IdempotentRequest> batch() {
    return IntStream.range(0, BATCH).mapToObj(i -> IdempotentRequest.of(key())).toList();
  }

  private String any() {
    return stored.get(ThreadLocalRandom.current().nextInt(REPLAYED));
  }

  private static String key() {
    return UUID.randomUUID().toString();
  }

  @Override
  public void close() {
    idempotency.close();
    port.close();
    connection.close();
    client.shutdown();
  }
}
