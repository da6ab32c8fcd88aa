package io.idem.spring.boot;

import io.idem.core.store.StoreUnavailableException;
import io.idem.redis.AsyncRedisPort;
import io.idem.redis.LettuceRedis;
import io.idem.redis.RedisChannels;
import io.idem.redis.RedisCommand;
import io.idem.redis.RedisPort;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.RedisClusterClient;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/**
 * Redis through the client of the application's connection factory, on connections of its own.
 *
 * <p>A factory that is stopped and started again, as when a context is paused, has another client
 * afterwards: the next command connects to that one.
 */
final class FactoryRedis implements AsyncRedisPort, AutoCloseable {

  private final LettuceConnectionFactory factory;
  private final Duration timeout;
  private final ReentrantLock connecting = new ReentrantLock();
  private final AtomicReference<@Nullable CompletableFuture<Connection>> underWay =
      new AtomicReference<>();
  private volatile @Nullable Connection connection;
  private @Nullable Consumer<byte[]> listener;

  FactoryRedis(LettuceConnectionFactory factory, Duration timeout) {
    this.factory = factory;
    this.timeout = timeout;
  }

  @Override
  public @Nullable Object execute(RedisCommand command) {
    return current().redis.execute(command);
  }

  @Override
  public List<@Nullable Object> executeAll(List<RedisCommand> commands) {
    return current().redis.executeAll(commands);
  }

  /**
   * {@inheritDoc}
   *
   * <p>While the factory's new client is connected to, commands wait for that, and no thread does
   * but the one that connects.
   */
  @Override
  public CompletionStage<@Nullable Object> executeAsync(RedisCommand command) {
    Connection last = connected();
    return last != null
        ? last.redis.executeAsync(command)
        : connectAside().thenCompose(next -> next.redis.executeAsync(command));
  }

  @Override
  public List<RedisPort> primaries() {
    return current().redis.primaries();
  }

  @Override
  public RedisChannels listen(Consumer<byte[]> toldOf) {
    connecting.lock();
    try {
      LettuceRedis redis = current().redis;
      listener = toldOf;
      connection = new Connection(client(), redis, redis.listen(toldOf));
    } finally {
      connecting.unlock();
    }
    return new RedisChannels() {
      @Override
      public void subscribe(byte[] channel) {
        channels().subscribe(channel);
      }

      @Override
      public void unsubscribe(byte[] channel) {
        channels().unsubscribe(channel);
      }
    };
  }

  /** Those of now: who listens does not wait for a connection. */
  private RedisChannels channels() {
    Connection last = connected();
    if (last == null || last.channels == null) {
      throw new StoreUnavailableException("The connection for messages is down", null);
    }
    return last.channels;
  }

  private Connection current() {
    Connection last = connected();
    return last != null ? last : connect();
  }

  /** What the factory's client of now is connected by; null if nothing is yet. */
  private @Nullable Connection connected() {
    Connection last = connection;
    return last != null && last.client == nativeClient() ? last : null;
  }

  /** One thread connects for all who come meanwhile. */
  private CompletableFuture<Connection> connectAside() {
    CompletableFuture<Connection> mine = new CompletableFuture<>();
    CompletableFuture<Connection> others = underWay.compareAndExchange(null, mine);
    if (others != null) {
      return others;
    }
    Thread connector =
        new Thread(
            () -> {
              try {
                Connection next = connect();
                underWay.set(null); // who comes from here on looks for himself
                mine.complete(next);
              } catch (Throwable e) {
                underWay.set(null);
                mine.completeExceptionally(e);
              }
            },
            "idem-redis-connect");
    connector.setDaemon(true);
    try {
      connector.start();
    } catch (Throwable e) { // there is no thread to be had
      underWay.set(null);
      mine.completeExceptionally(e);
    }
    return mine;
  }

  private Connection connect() {
    connecting.lock();
    try {
      AbstractRedisClient client = client();
      Connection last = connection;
      if (last != null && last.client == client) {
        return last;
      }
      LettuceRedis redis = open(client);
      RedisChannels channels;
      try {
        channels = listener == null ? null : redis.listen(listener);
      } catch (RuntimeException e) {
        redis.close(); // the next command connects anew
        throw unlessStopped(client, e);
      }
      if (last != null) {
        last.redis.close();
      }
      Connection next = new Connection(client, redis, channels);
      connection = next;
      return next;
    } finally {
      connecting.unlock();
    }
  }

  private LettuceRedis open(AbstractRedisClient client) {
    try {
      return client instanceof RedisClusterClient cluster
          ? LettuceRedis.of(cluster, timeout)
          : LettuceRedis.of((RedisClient) client, timeout);
    } catch (RuntimeException e) {
      throw unlessStopped(client, e);
    }
  }

  /** A client that is shut down meanwhile says so in many ways: that is an outage as any other. */
  private RuntimeException unlessStopped(AbstractRedisClient client, RuntimeException e) {
    return e instanceof StoreUnavailableException || nativeClient() == client
        ? e
        : new StoreUnavailableException(
            "Redis cannot be reached: the connection factory was stopped", e);
  }

  private AbstractRedisClient client() {
    AbstractRedisClient client = nativeClient();
    if (client == null) {
      throw new StoreUnavailableException(
          "Redis cannot be reached: the connection factory is not started", null);
    }
    return client;
  }

  /** The factory's client; null while the factory is stopped. */
  private @Nullable AbstractRedisClient nativeClient() {
    try {
      return factory.getNativeClient();
    } catch (IllegalStateException e) {
      return null;
    }
  }

  /** Closes the connections. The client stays the factory's. */
  @Override
  public void close() {
    Connection last = connection;
    if (last != null) {
      last.redis.close();
    }
  }

  /** What was opened through one client of the factory. */
  private record Connection(
      AbstractRedisClient client, LettuceRedis redis, @Nullable RedisChannels channels) {}
}
