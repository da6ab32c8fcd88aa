package io.idem.redis.internal;

import io.idem.redis.AsyncRedisPort;
import io.idem.redis.RedisCommand;
import io.idem.redis.RedisPort;
import io.idem.redis.RedisReplyException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A script on its way to one record.
 *
 * <p>It is named by its digest. A server that says it does not know a script has not run it, so
 * sending it again, as a whole, is safe.
 */
public final class Step {

  private static final String UNKNOWN = "NOSCRIPT";

  private final Script script;
  private final byte[] key;
  private final byte[][] arguments;

  /** Makes a step; the arrays are not copied. */
  public Step(Script script, byte[] key, byte[]... arguments) {
    this.script = script;
    this.key = key;
    this.arguments = arguments;
  }

  /**
   * Runs the script: one round trip, or two where the server does not know it yet.
   *
   * @return the reply; a server's error is a {@link RedisReplyException} in its place
   */
  public @Nullable Object run(RedisPort port) {
    try {
      return port.execute(script.byDigest(key, arguments));
    } catch (RedisReplyException e) {
      return e.is(UNKNOWN) ? runBySource(port) : e;
    }
  }

  private @Nullable Object runBySource(RedisPort port) {
    try {
      return port.execute(script.bySource(key, arguments));
    } catch (RedisReplyException e) {
      return e;
    }
  }

  /**
   * As {@link #run}, without waiting.
   *
   * @return ends with the reply; a server's error is a {@link RedisReplyException} in its place
   */
  public CompletionStage<@Nullable Object> runAsync(AsyncRedisPort port) {
    return reply(port.executeAsync(script.byDigest(key, arguments)))
        .thenCompose(
            reply ->
                reply instanceof RedisReplyException e && e.is(UNKNOWN)
                    ? reply(port.executeAsync(script.bySource(key, arguments)))
                    : CompletableFuture.completedFuture(reply));
  }

  /** The reply, or the server's error in its place. */
  static CompletionStage<@Nullable Object> reply(CompletionStage<@Nullable Object> sent) {
    return sent.exceptionally(
        failure -> {
          Throwable cause =
              failure instanceof CompletionException && failure.getCause() != null
                  ? failure.getCause()
                  : failure;
          if (cause instanceof RedisReplyException e) {
            return e;
          }
          throw cause instanceof RuntimeException e ? e : new CompletionException(cause);
        });
  }

  /**
   * Runs many: one round trip, or two where a server does not know the script yet.
   *
   * @return the replies in order; a server's error is a {@link RedisReplyException} in its place
   */
  public static List<@Nullable Object> runAll(RedisPort port, List<Step> steps) {
    List<@Nullable Object> replies =
        new ArrayList<>(
            port.executeAll(
                steps.stream()
                    .map(step -> step.script.byDigest(step.key, step.arguments))
                    .toList()));
    List<Integer> unknown = new ArrayList<>();
    List<RedisCommand> again = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      if (replies.get(i) instanceof RedisReplyException e && e.is(UNKNOWN)) {
        Step step = steps.get(i);
        unknown.add(i);
        again.add(step.script.bySource(step.key, step.arguments));
      }
    }
    if (!again.isEmpty()) {
      List<@Nullable Object> late = port.executeAll(again);
      for (int i = 0; i < again.size(); i++) {
        replies.set(unknown.get(i), late.get(i));
      }
    }
    return replies;
  }
}
