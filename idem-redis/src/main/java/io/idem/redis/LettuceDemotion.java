package io.idem.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Leaves a server that has become a replica while the connection to it lasted, as by {@code
 * REPLICAOF} or a failover by hand. It would refuse writes for as long as that.
 *
 * <p>Lettuce looks for the primary when it connects anew: it resolves the address, or asks
 * Sentinel. So the server is asked to close the connection. What it has not read by then is sent
 * again to whoever is the primary.
 */
final class LettuceDemotion implements Consumer<RedisReplyException> {

  /** Between two attempts, where the address leads to the same server still. */
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final StatefulRedisConnection<byte[], byte[]> connection;
  private final AtomicLong nextAt = new AtomicLong(System.nanoTime());

  LettuceDemotion(StatefulRedisConnection<byte[], byte[]> connection) {
    this.connection = connection;
  }

  @Override
  public void accept(RedisReplyException error) {
    if (!error.is("READONLY") || !connection.getOptions().isAutoReconnect()) {
      return;
    }
    long now = System.nanoTime();
    long from = nextAt.get();
    if (now - from < 0 || !nextAt.compareAndSet(from, now + PAUSE_NANOS)) {
      return;
    }
    try {
      var unused = connection.async().quit();
    } catch (RedisException e) {
      // It is closed: somebody else connects anew, or nobody does.
    }
  }
}
