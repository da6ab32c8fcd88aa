package io.idem.redis;

import io.idem.core.store.StoreUnavailableException;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.NestedMultiOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A command as Lettuce sends it, and its reply. */
final class LettuceCommand {

  final RedisCommand command;
  final AsyncCommand<byte[], byte[], List<Object>> sent;
  private final Duration timeout;
  private final Consumer<RedisReplyException> errors;
  private final Reply reply = new Reply();

  /**
   * @param errors told what the server refuses; it does not wait
   */
  LettuceCommand(RedisCommand command, Duration timeout, Consumer<RedisReplyException> errors) {
    this.command = command;
    this.timeout = timeout;
    this.errors = errors;
    CommandArgs<byte[], byte[]> arguments = new CommandArgs<>(ByteArrayCodec.INSTANCE);
    List<byte[]> all = command.arguments();
    for (int i = 0; i < all.size(); i++) {
      if (i == command.keyAt()) {
        arguments.addKey(all.get(i));
      } else {
        arguments.add(all.get(i));
      }
    }
    this.sent =
        new AsyncCommand<>(new Command<>(CommandType.valueOf(command.name()), reply, arguments));
  }

  /**
   * Waits for the reply. Without one in time, the command is not sent any more if it has not been.
   *
   * @param nanos what is left of the command's time
   * @throws RedisReplyException if the server answered with an error
   * @throws StoreUnavailableException if there was no answer in time
   */
  @Nullable Object await(long nanos) {
    try {
      sent.get(nanos, TimeUnit.NANOSECONDS);
      return answered();
    } catch (ExecutionException e) {
      throw failed(e.getCause() == null ? e : e.getCause());
    } catch (CancellationException e) {
      throw unanswered(e);
    } catch (TimeoutException e) {
      cancel(); // or it would be sent yet, when the connection is back
      throw tooLate(e);
    } catch (InterruptedException e) {
      cancel();
      Thread.currentThread().interrupt();
      throw unanswered(e);
    }
  }

  /**
   * The reply, for who does not wait.
   *
   * @param timers where its time is measured; without a reply in time, the command is not sent any
   *     more if it has not been
   */
  CompletionStage<@Nullable Object> reply(ScheduledExecutorService timers) {
    CompletableFuture<@Nullable Object> answer = new CompletableFuture<>();
    Future<?> timer =
        timers.schedule(
            () -> sent.completeExceptionally(new TimeoutException()),
            timeout.toNanos(),
            TimeUnit.NANOSECONDS);
    var unused =
        sent.whenComplete(
            (done, failure) -> {
              timer.cancel(false);
              try {
                if (failure == null) {
                  answer.complete(answered());
                } else {
                  answer.completeExceptionally(failed(failure));
                }
              } catch (StoreUnavailableException e) {
                answer.completeExceptionally(e);
              }
            });
    return answer;
  }

  private @Nullable Object answered() {
    if (reply.isMissing()) {
      throw new StoreUnavailableException(
          command.name() + " ended without a reply, which is not nil", null);
    }
    return reply.value();
  }

  private RuntimeException failed(Throwable failure) {
    if (failure instanceof RedisCommandExecutionException error) {
      RedisReplyException refused =
          new RedisReplyException(String.valueOf(error.getMessage()), error);
      errors.accept(refused);
      return refused;
    }
    return failure instanceof TimeoutException e ? tooLate(e) : unanswered(failure);
  }

  private StoreUnavailableException tooLate(TimeoutException e) {
    return new StoreUnavailableException(
        "Redis did not answer " + command.name() + " within " + timeout.toMillis() + " ms", e);
  }

  /** Does nothing once there is a reply. */
  void cancel() {
    sent.cancel(false);
  }

  StoreUnavailableException unanswered(Throwable e) {
    return new StoreUnavailableException("Redis did not answer " + command.name() + ": " + e, e);
  }

  /** A reply of any kind. Lettuce's own output puts a single one into a list. */
  private static final class Reply extends NestedMultiOutput<byte[], byte[]> {

    private boolean aggregate;

    Reply() {
      super(ByteArrayCodec.INSTANCE);
    }

    @Override
    public void multi(int count) {
      aggregate = true;
      super.multi(count);
    }

    /** A nil is there: the answer of a plain claim to who owns the key from now on. */
    boolean isMissing() {
      return !aggregate && get().isEmpty();
    }

    @Nullable Object value() {
      return aggregate ? get() : get().get(0);
    }
  }
}
