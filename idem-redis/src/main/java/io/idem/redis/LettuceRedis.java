package io.idem.redis;

import io.idem.core.store.StoreUnavailableException;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Redis through Lettuce: standalone, Sentinel or Cluster, as the client was made for.
 *
 * <p>One connection carries the commands of all threads, and one more the messages to those who
 * wait. The client stays its owner's; closing this closes the two connections. Outside a cluster a
 * server that answers READONLY is left for the primary that the client's address, or Sentinel,
 * names by then, unless the client does not reconnect. Thread-safe.
 */
public final class LettuceRedis implements AsyncRedisPort, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger("io.idem.redis");

  /** How long a command may take where nothing else is said. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(2);

  private final StatefulConnection<byte[], byte[]> connection;
  private final Supplier<StatefulRedisPubSubConnection<byte[], byte[]>> listening;
  private final Duration timeout;
  private final Consumer<RedisReplyException> errors;
  private final ScheduledThreadPoolExecutor timers = timers();
  private final ReentrantLock opening = new ReentrantLock();
  private @Nullable StatefulRedisPubSubConnection<byte[], byte[]> messages;
  private @Nullable Channels channels;

  private LettuceRedis(
      StatefulConnection<byte[], byte[]> connection,
      Supplier<StatefulRedisPubSubConnection<byte[], byte[]>> listening,
      Duration timeout) {
    this.connection = connection;
    // Each command is waited for within our own bound: a timer of Lettuce's would be set for
    // nothing.
    connection.setTimeout(Duration.ZERO);
    this.listening = listening;
    this.timeout = timeout;
    // In a cluster a node that was demoted says who has the key now, and Lettuce follows.
    this.errors =
        connection instanceof StatefulRedisConnection<byte[], byte[]> server
            ? new LettuceDemotion(server)
            : error -> {};
  }

  /**
   * Connects to a server, or to the primary that Sentinel names.
   *
   * @param client made with the address to connect to
   * @param timeout how long a command may take
   * @return the connected port
   * @throws IllegalArgumentException if the timeout is not more than zero; nothing was connected
   * @throws StoreUnavailableException if it cannot be reached
   */
  public static LettuceRedis of(RedisClient client, Duration timeout) {
    requireTime(timeout);
    StatefulRedisConnection<byte[], byte[]> connection =
        open(() -> client.connect(ByteArrayCodec.INSTANCE));
    return new LettuceRedis(
        connection, () -> client.connectPubSub(ByteArrayCodec.INSTANCE), timeout);
  }

  /**
   * Connects to a cluster. Leave the client's adaptive topology refresh on, or it will not find the
   * primaries that a failover makes.
   *
   * @param client made with the addresses of some nodes
   * @param timeout how long a command may take
   * @return the connected port
   * @throws IllegalArgumentException if the timeout is not more than zero; nothing was connected
   * @throws StoreUnavailableException if it cannot be reached
   */
  public static LettuceRedis of(RedisClusterClient client, Duration timeout) {
    requireTime(timeout);
    StatefulRedisClusterConnection<byte[], byte[]> connection =
        open(() -> client.connect(ByteArrayCodec.INSTANCE));
    return new LettuceRedis(
        connection, () -> client.connectPubSub(ByteArrayCodec.INSTANCE), timeout);
  }

  /** Before anything is connected, which nobody would close. */
  private static void requireTime(Duration timeout) {
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("A command takes some time, found " + timeout);
    }
  }

  @Override
  public @Nullable Object execute(RedisCommand command) {
    return execute(connection, command);
  }

  /**
   * {@inheritDoc}
   *
   * <p>That is the thread of the connection, which nobody who depends on the stage may hold up: all
   * commands would have to wait.
   */
  @Override
  public CompletionStage<@Nullable Object> executeAsync(RedisCommand command) {
    LettuceCommand sent = new LettuceCommand(command, timeout, errors);
    try {
      var unused = connection.dispatch(sent.sent);
      return sent.reply(timers);
    } catch (RedisException | RejectedExecutionException e) { // as below, or this is closed
      return CompletableFuture.failedFuture(sent.unanswered(e));
    }
  }

  @Override
  public List<@Nullable Object> executeAll(List<RedisCommand> commands) {
    return commands.isEmpty()
        ? List.of()
        : new LettuceBatch(connection, commands, timeout, errors).replies();
  }

  @Override
  public List<RedisPort> primaries() {
    if (!(connection instanceof StatefulRedisClusterConnection<byte[], byte[]> cluster)) {
      return List.of(this);
    }
    List<RedisPort> primaries =
        cluster.getPartitions().stream()
            .filter(node -> node.is(RedisClusterNode.NodeFlag.UPSTREAM))
            .filter(node -> !node.hasNoSlots()) // one that died and was replaced stays in the list
            .<RedisPort>map(
                node -> {
                  StatefulRedisConnection<byte[], byte[]> primary =
                      open(() -> cluster.getConnection(node.getNodeId()));
                  return command -> execute(primary, command);
                })
            .toList();
    if (primaries.isEmpty()) {
      throw new StoreUnavailableException("No node of the cluster has a slot", null);
    }
    return primaries;
  }

  @Override
  public RedisChannels listen(Consumer<byte[]> listener) {
    opening.lock();
    try {
      if (messages == null) {
        messages = open(listening);
        channels = new Channels(messages);
      }
      Channels wanted = Objects.requireNonNull(channels);
      messages.addListener(
          new RedisPubSubAdapter<>() {
            @Override
            public void message(byte[] channel, byte[] message) {
              listener.accept(channel);
            }

            @Override
            public void subscribed(byte[] channel, long count) {
              wanted.endUnwanted(channel);
              listener.accept(channel);
            }
          });
      return wanted;
    } finally {
      opening.unlock();
    }
  }

  /** Closes both connections. The client stays open. */
  @Override
  public void close() {
    opening.lock();
    try {
      if (messages != null) {
        messages.close();
      }
    } finally {
      opening.unlock();
    }
    connection.close();
    timers.shutdown(); // commands without a reply still come to their end
  }

  private static ScheduledThreadPoolExecutor timers() {
    ScheduledThreadPoolExecutor timers =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "idem-redis-timer");
              thread.setDaemon(true);
              return thread;
            });
    timers.setRemoveOnCancelPolicy(true);
    return timers;
  }

  private @Nullable Object execute(StatefulConnection<byte[], byte[]> to, RedisCommand command) {
    LettuceCommand sent = new LettuceCommand(command, timeout, errors);
    try {
      var unused = to.dispatch(sent.sent);
    } catch (RedisException e) { // refused before it was sent: closed, or too many are waiting
      throw sent.unanswered(e);
    }
    return sent.await(timeout.toNanos());
  }

  private static <C> C open(Supplier<C> connect) {
    try {
      return connect.get();
    } catch (RedisException e) {
      throw new StoreUnavailableException("Redis cannot be reached: " + e.getMessage(), e);
    }
  }

  /** The channels of one connection, which several stores may share. */
  private static final class Channels implements RedisChannels {

    private final StatefulRedisPubSubConnection<byte[], byte[]> connection;

    /** How many want each channel. What is sent is sent in the order of the changes here. */
    private final Map<ByteBuffer, Integer> wanted = new ConcurrentHashMap<>();

    Channels(StatefulRedisPubSubConnection<byte[], byte[]> connection) {
      this.connection = connection;
    }

    /** Sent also where it is listened to already: who wants it is told by the answer. */
    @Override
    public void subscribe(byte[] channel) {
      if (!connection.isOpen()) {
        throw new StoreUnavailableException("The connection for messages is down", null);
      }
      wanted.compute(
          ByteBuffer.wrap(channel),
          (name, before) -> {
            var unused = connection.async().subscribe(channel).exceptionally(Channels::failed);
            return before == null ? 1 : before + 1;
          });
    }

    @Override
    public void unsubscribe(byte[] channel) {
      wanted.computeIfPresent(
          ByteBuffer.wrap(channel),
          (name, before) -> {
            if (before > 1) {
              return before - 1;
            }
            end(channel);
            return null;
          });
    }

    /**
     * Lettuce listens again after a reconnection to all it had listened to, also where the end was
     * asked for during the outage and the client's own timeout took that back.
     */
    void endUnwanted(byte[] channel) {
      wanted.compute(
          ByteBuffer.wrap(channel),
          (name, now) -> {
            if (now == null) {
              end(channel);
            }
            return now;
          });
    }

    private void end(byte[] channel) {
      try {
        var unused = connection.async().unsubscribe(channel).exceptionally(Channels::failed);
      } catch (RedisException e) {
        failed(e);
      }
    }

    private static @Nullable Void failed(Throwable e) {
      log.debug(
          "Redis refused to change what is listened to; those who wait look by themselves", e);
      return null;
    }
  }
}
