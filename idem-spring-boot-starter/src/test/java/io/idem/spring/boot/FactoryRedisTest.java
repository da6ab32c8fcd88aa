package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.StoreUnavailableException;
import io.idem.redis.RedisCommand;
import io.idem.testkit.TestRedis;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/** A factory that is stopped at an awkward moment. */
class FactoryRedisTest {

  private static final RedisCommand INFO = RedisCommand.keyless("INFO");

  @Test
  void aFactoryThatIsStoppedWhileItIsConnectedToIsAnOutage() {
    try (TestRedis.Server server = TestRedis.start()) {
      Stopping factory = new Stopping(RedisClient.create(server.url()));
      FactoryRedis redis = new FactoryRedis(factory, Duration.ofSeconds(5));

      factory.stopsNext();
      assertThatThrownBy(() -> redis.execute(INFO))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("stopped");

      factory.startsWith(RedisClient.create(server.url()));
      factory.stopsNext();
      assertThatThrownBy(
              () -> redis.executeAsync(INFO).toCompletableFuture().get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(StoreUnavailableException.class);

      factory.startsWith(RedisClient.create(server.url()));
      factory.stopsNext();
      assertThatThrownBy(() -> redis.listen(channel -> {}))
          .isInstanceOf(StoreUnavailableException.class);

      RedisClient last = RedisClient.create(server.url());
      factory.startsWith(last);
      assertThat(redis.execute(INFO)).isInstanceOf(byte[].class);
      redis.close();
      last.shutdown();
    }
  }

  /** Its client is shut down as soon as somebody has it. */
  private static final class Stopping extends LettuceConnectionFactory {

    private final AtomicReference<@Nullable RedisClient> now;
    private volatile boolean stopsNext;

    Stopping(RedisClient client) {
      now = new AtomicReference<>(client);
    }

    void stopsNext() {
      stopsNext = true;
    }

    void startsWith(RedisClient client) {
      now.set(client);
    }

    @Override
    public @Nullable AbstractRedisClient getNativeClient() {
      RedisClient client = now.get();
      if (client == null) {
        throw new IllegalStateException("LettuceConnectionFactory has been STOPPED");
      }
      if (stopsNext) {
        stopsNext = false;
        now.set(null);
        client.shutdown();
      }
      return client;
    }
  }
}
