package io.idem.redis;

import io.idem.core.store.StoreUnavailableException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All that the store needs of a Redis client: to send a command and have its reply.
 *
 * <p>An implementation holds no part of the algorithm, sends each command to a primary, never to a
 * replica, bounds the time it waits for a reply, and is thread-safe.
 */
@FunctionalInterface
public interface RedisPort {

  /**
   * Sends one command and waits for its reply.
   *
   * @param command the command
   * @return a {@code Long}, a {@code byte[]}, a {@code List} of replies, or null: that the server
   *     answered nil, never that there is no answer
   * @throws RedisReplyException if the server answered with an error
   * @throws StoreUnavailableException if there was no answer in time; the command may or may not
   *     have been carried out
   */
  @Nullable Object execute(RedisCommand command);

  /**
   * Sends commands that do not depend on each other and waits for all replies: one round trip,
   * whatever their number. By default they go one by one.
   *
   * @param commands the commands; each has a key
   * @return for each command, in their order, what {@link #execute} returns, or the {@link
   *     RedisReplyException} that it would throw
   * @throws StoreUnavailableException if a command had no answer in time; each of them may or may
   *     not have been carried out, but none is from now on, as far as the client can prevent it
   */
  default List<@Nullable Object> executeAll(List<RedisCommand> commands) {
    List<@Nullable Object> replies = new ArrayList<>(commands.size());
    for (RedisCommand command : commands) {
      try {
        replies.add(execute(command));
      } catch (RedisReplyException e) {
        replies.add(e);
      }
    }
    return replies;
  }

  /**
   * The primaries that hold keys, each as a port to it alone. They are looked at when a store is
   * made, not kept.
   *
   * @return this port alone, unless it is one to a cluster
   * @throws StoreUnavailableException if they cannot be reached
   */
  default List<RedisPort> primaries() {
    return List.of(this);
  }

  /**
   * Opens what channels are listened to through: one connection, whatever the number of channels.
   *
   * @param listener told the name of a channel when it is listened to, again after a reconnection,
   *     and when a message has come in; called by the client's own thread
   * @return the channels, none of them listened to yet; null if the client has no such thing
   * @throws StoreUnavailableException if the connection cannot be opened
   */
  default @Nullable RedisChannels listen(Consumer<byte[]> listener) {
    return null;
  }
}
