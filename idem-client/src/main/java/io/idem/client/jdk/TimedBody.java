package io.idem.client.jdk;

import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Ends a body that is not there in time: the client's own timeout ends with the head of a response,
 * before Java 26. A stream that is handed out is there at once.
 *
 * @param <T> what becomes of the body
 */
final class TimedBody<T> implements BodySubscriber<T> {

  private final BodySubscriber<T> to;
  private final CompletableFuture<T> body = new CompletableFuture<>();
  private final CompletableFuture<Void> time = new CompletableFuture<>();

  /** A subscriber is told one thing at a time. */
  private final ReentrantLock telling = new ReentrantLock();

  private volatile Flow.@Nullable Subscription subscription;
  private volatile boolean ended;

  /**
   * Starts the time.
   *
   * @param to who reads the body
   * @param most how long
   */
  @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for it
  TimedBody(BodySubscriber<T> to, Duration most) {
    this.to = to;
    time.orTimeout(most.toNanos(), TimeUnit.NANOSECONDS)
        .whenComplete(
            (inTime, late) -> {
              if (late != null) {
                // The thread that tells the time is that of all others, and may not be held up.
                Thread thread = new Thread(this::end, "idem-client-late-body");
                thread.setDaemon(true);
                thread.start();
              }
            });
  }

  @Override
  public CompletionStage<T> getBody() {
    CompletionStage<T> read;
    try {
      read = to.getBody(); // may block, until it is told of an error
    } catch (RuntimeException | Error e) {
      time.complete(null);
      throw e;
    }
    read.whenComplete(
        (value, failure) -> {
          time.complete(null);
          if (failure == null) {
            body.complete(value);
          } else {
            body.completeExceptionally(failure);
          }
        });
    return body;
  }

  private void end() {
    HttpTimeoutException late = new HttpTimeoutException("The body was not there in time");
    if (!body.completeExceptionally(late)) {
      return;
    }
    ended = true;
    Flow.Subscription source = subscription;
    if (source != null) {
      source.cancel();
    }
    telling.lock();
    try {
      to.onError(late);
    } finally {
      telling.unlock();
    }
  }

  private void tell(Runnable what) {
    telling.lock();
    try {
      if (!ended) {
        what.run();
      }
    } finally {
      telling.unlock();
    }
  }

  @Override
  public void onSubscribe(Flow.Subscription source) {
    subscription = source;
    if (ended) {
      source.cancel();
    } else {
      tell(() -> to.onSubscribe(source));
    }
  }

  @Override
  public void onNext(List<ByteBuffer> item) {
    tell(() -> to.onNext(item));
  }

  @Override
  public void onError(Throwable failure) {
    tell(() -> to.onError(failure));
  }

  @Override
  public void onComplete() {
    tell(to::onComplete);
  }
}
