package io.idem.redis;

import io.idem.core.store.StoreUnavailableException;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Commands that are sent at once.
 *
 * <ol>
 *   <li>In a cluster they are sorted by the node that has their slot. They take the connection that
 *       single commands to that node take, so what is sent to a key later arrives later.
 *   <li>To each node they are written in one go.
 *   <li>All replies are awaited, within one bound.
 *   <li>A command that a node has redirected was not carried out there; those are sent again, each
 *       by itself, for Lettuce to follow the redirection.
 *   <li>What has no reply at the end is cancelled: it is not sent any more if it has not been.
 * </ol>
 */
final class LettuceBatch {

  private final StatefulConnection<byte[], byte[]> connection;
  private final Duration timeout;
  private final Consumer<RedisReplyException> errors;
  private final long deadline;
  private final List<LettuceCommand> sent;

  LettuceBatch(
      StatefulConnection<byte[], byte[]> connection,
      List<RedisCommand> commands,
      Duration timeout,
      Consumer<RedisReplyException> errors) {
    this.connection = connection;
    this.deadline = System.nanoTime() + timeout.toNanos();
    this.timeout = timeout;
    this.errors = errors;
    this.sent =
        new ArrayList<>(
            commands.stream().map(each -> new LettuceCommand(each, timeout, errors)).toList());
  }

  List<@Nullable Object> replies() {
    try {
      dispatch();
      List<@Nullable Object> replies = await();
      return redirect(replies) ? await() : replies;
    } finally {
      sent.forEach(LettuceCommand::cancel);
    }
  }

  private void dispatch() {
    try {
      if (connection instanceof StatefulRedisClusterConnection<byte[], byte[]> cluster) {
        dispatch(cluster);
      } else {
        dispatch(connection, sent);
      }
    } catch (RedisException e) { // refused before it was sent: closed, or too many are waiting
      throw sent.get(0).unanswered(e);
    }
  }

  private void dispatch(StatefulRedisClusterConnection<byte[], byte[]> cluster) {
    Map<RedisClusterNode, List<LettuceCommand>> byNode = new LinkedHashMap<>();
    List<LettuceCommand> homeless = new ArrayList<>();
    for (LettuceCommand each : sent) {
      int slot = SlotHash.getSlot(each.command.arguments().get(each.command.keyAt()));
      RedisClusterNode node = cluster.getPartitions().getMasterBySlot(slot);
      (node == null ? homeless : byNode.computeIfAbsent(node, unused -> new ArrayList<>()))
          .add(each);
    }
    // All nodes are connected to before anything is sent: if one is out of reach, nothing is.
    List<CompletableFuture<StatefulRedisConnection<byte[], byte[]>>> opening =
        byNode.keySet().stream()
            .map(RedisClusterNode::getUri)
            .map(uri -> cluster.getConnectionAsync(uri.getHost(), uri.getPort()))
            .toList();
    List<StatefulRedisConnection<byte[], byte[]>> open = new ArrayList<>();
    opening.forEach(connecting -> open.add(await(connecting)));
    Iterator<StatefulRedisConnection<byte[], byte[]>> node = open.iterator();
    byNode.values().forEach(commands -> dispatch(node.next(), commands));
    // Lettuce refuses these, and looks where their slots have gone.
    homeless.forEach(each -> dispatch(cluster, List.of(each)));
  }

  private static void dispatch(
      StatefulConnection<byte[], byte[]> node, List<LettuceCommand> commands) {
    var unused = node.dispatch(commands.stream().map(each -> each.sent).toList());
  }

  private StatefulRedisConnection<byte[], byte[]> await(
      CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connecting) {
    try {
      return connecting.get(left(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new StoreUnavailableException("A node of the cluster cannot be reached: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreUnavailableException("Interrupted while a node was connected to", e);
    }
  }

  /** Every reply is waited for, also after one is missing: nothing is under way when this ends. */
  private List<@Nullable Object> await() {
    List<@Nullable Object> replies = new ArrayList<>(sent.size());
    StoreUnavailableException missing = null;
    for (LettuceCommand each : sent) {
      try {
        replies.add(each.await(left()));
      } catch (RedisReplyException e) {
        replies.add(e);
      } catch (StoreUnavailableException e) {
        missing = missing == null ? e : missing;
        replies.add(null);
      }
    }
    if (missing != null) {
      throw missing;
    }
    return replies;
  }

  private boolean redirect(List<@Nullable Object> replies) {
    boolean any = false;
    for (int i = 0; i < replies.size(); i++) {
      if (replies.get(i) instanceof RedisReplyException e && (e.is("MOVED") || e.is("ASK"))) {
        LettuceCommand again = new LettuceCommand(sent.get(i).command, timeout, errors);
        sent.set(i, again);
        var unused = connection.dispatch(again.sent);
        any = true;
      }
    }
    return any;
  }

  private long left() {
    return Math.max(0, deadline - System.nanoTime());
  }
}
