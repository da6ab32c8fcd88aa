package io.idem.redis;

import io.idem.core.store.RecordId;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A client as one node of an application has it, and a look behind the store's back. */
record TestNode(LettuceRedis redis, Runnable shutdown) implements AutoCloseable {

  static final Duration TIMEOUT = Duration.ofSeconds(5);

  static TestNode to(String url) {
    return to(RedisClient.create(url), TIMEOUT);
  }

  static TestNode to(RedisClient client, Duration timeout) {
    client.setOptions(
        ClientOptions.builder()
            .socketOptions(SocketOptions.builder().connectTimeout(TIMEOUT).build())
            .timeoutOptions(TimeoutOptions.enabled())
            .build());
    return new TestNode(LettuceRedis.of(client, timeout), client::shutdown);
  }

  static TestNode toCluster(String url) {
    RedisClusterClient client = RedisClusterClient.create(url);
    return new TestNode(LettuceRedis.of(client, TIMEOUT), client::shutdown);
  }

  RedisIdempotencyStore store() {
    return new RedisIdempotencyStore(redis);
  }

  static byte[] key(RecordId id) {
    return ByteBuffer.allocate(21)
        .put(RedisSettings.DEFAULT_PREFIX.getBytes(StandardCharsets.US_ASCII))
        .put(id.toBytes())
        .array();
  }

  /** Sends a command whose first argument is the record's key. */
  Object send(String command, RecordId id, Object... rest) {
    List<byte[]> arguments = new ArrayList<>();
    arguments.add(key(id));
    for (Object argument : rest) {
      arguments.add(argument instanceof byte[] bytes ? bytes : text(argument));
    }
    return redis.execute(new RedisCommand(command, arguments, 0));
  }

  Object send(String command, String... arguments) {
    return redis.execute(RedisCommand.keyless(command, arguments));
  }

  private static byte[] text(Object value) {
    return value.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Moves the expiry of the key, and with it the end of a lease, into the past. */
  void age(RecordId id, Duration by) {
    long expiry = (Long) send("PTTL", id);
    if (expiry < 0) {
      throw new AssertionError("No record " + id + " that ends");
    }
    send("PEXPIRE", id, expiry - by.toMillis());
  }

  @Override
  public void close() {
    redis.close();
    shutdown.run();
  }
}
