package io.idem.redis;

import io.idem.core.store.StoreUnavailableException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A Redis client that need not be waited for. A store on it is an {@code AsyncStore}; on another
 * port, asynchronous requests ask the store on threads that wait.
 */
public interface AsyncRedisPort extends RedisPort {

  /**
   * Sends one command. Neither waits nor throws.
   *
   * @param command the command
   * @return ends within the time a command may take, on a thread of the client's, as {@link
   *     #execute} does: with the reply, or exceptionally with a {@link RedisReplyException} or a
   *     {@link StoreUnavailableException}
   */
  CompletionStage<@Nullable Object> executeAsync(RedisCommand command);
}
