package io.idem.redis.internal;

import io.idem.redis.AsyncRedisPort;
import io.idem.redis.RedisCommand;
import io.idem.redis.RedisPort;
import io.idem.redis.RedisReplyException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One command to one record, and what its reply says. A reply that leaves the question open names
 * the step that answers it.
 *
 * @param <R> what the store is to answer
 */
public interface Step<R> {

  /** What is sent. */
  RedisCommand command();

  /**
   * Reads the reply.
   *
   * @param reply as of {@link RedisPort#execute}; a server's error is a {@link RedisReplyException}
   *     in its place
   * @return what it says, or null if {@link #next()} has to follow
   */
  @Nullable R read(@Nullable Object reply);

  /** What follows a reply that says nothing yet. */
  Step<R> next();

  /** Asks until there is an answer: one round trip for each step. */
  static <R> R run(RedisPort port, Step<R> first) {
    Step<R> step = first;
    R answer = step.read(reply(port, step));
    while (answer == null) {
      step = step.next();
      answer = step.read(reply(port, step));
    }
    return answer;
  }

  private static @Nullable Object reply(RedisPort port, Step<?> step) {
    try {
      return port.execute(step.command());
    } catch (RedisReplyException e) {
      return e;
    }
  }

  /** As {@link #run}, without waiting. */
  static <R> CompletionStage<R> runAsync(AsyncRedisPort port, Step<R> step) {
    return reply(port.executeAsync(step.command()))
        .thenCompose(
            reply -> {
              R answer = step.read(reply);
              return answer == null
                  ? runAsync(port, step.next())
                  : CompletableFuture.completedFuture(answer);
            });
  }

  private static CompletionStage<@Nullable Object> reply(CompletionStage<@Nullable Object> sent) {
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
   * Runs many: all that have no answer yet are sent at once, until each has one.
   *
   * @return the answers in order
   */
  static <R> List<R> runAll(RedisPort port, List<Step<R>> first) {
    List<Step<R>> steps = new ArrayList<>(first);
    List<@Nullable R> answers = new ArrayList<>(steps.size());
    List<Integer> open = new ArrayList<>(steps.size());
    for (int i = 0; i < steps.size(); i++) {
      answers.add(null);
      open.add(i);
    }
    while (!open.isEmpty()) {
      List<@Nullable Object> replies =
          port.executeAll(open.stream().map(i -> steps.get(i).command()).toList());
      List<Integer> left = new ArrayList<>();
      for (int i = 0; i < replies.size(); i++) {
        int at = open.get(i);
        R answer = steps.get(at).read(replies.get(i));
        answers.set(at, answer);
        if (answer == null) {
          steps.set(at, steps.get(at).next());
          left.add(at);
        }
      }
      open = left;
    }
    return answers.stream().map(Objects::requireNonNull).toList();
  }
}
