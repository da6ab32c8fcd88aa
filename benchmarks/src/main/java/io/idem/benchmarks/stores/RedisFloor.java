package io.idem.benchmarks.stores;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.redis.LettuceRedis;
import io.idem.redis.RedisIdempotencyStore;
import io.lettuce.core.RedisClient;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/** One Redis: a key that is set and set again, by hand and by Idem, each over one connection. */
final class RedisFloor implements AutoCloseable {

  private static final int REPLAYED = 1_000;
  private static final long LEASE = Duration.ofMinutes(1).toMillis();
  private static final long RETENTION = Duration.ofDays(1).toMillis();
  private static final String ANSWER = "x".repeat(200);

  private final RedisClient client;
  private final StatefulRedisConnection<String, String> connection;
  private final LettuceRedis port;
  private final Idempotency idempotency;
  private final List<String> stored;

  RedisFloor(String url) {
    this.client = RedisClient.create(url);
    this.connection = client.connect();
    this.port = LettuceRedis.of(client, Duration.ofSeconds(10));
    this.idempotency = Idempotency.builder().store(new RedisIdempotencyStore(port)).build();
    this.stored = IntStream.range(0, REPLAYED).mapToObj(i -> key()).toList();
    Operation<String> operation = idempotency.operation("replayed", String.class).build();
    for (String key : stored) {
      operation.execute(key, () -> ANSWER);
      connection.sync().set(key, ANSWER, SetArgs.Builder.px(RETENTION));
    }
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
    return List.of(
        new Comparison("Redis", "new key", "SET NX PX, SET PX", 0.9, 1, () -> setTwice, () -> run),
        new Comparison("Redis", "replay", "GET", 0.9, 1, () -> get, () -> replay));
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
