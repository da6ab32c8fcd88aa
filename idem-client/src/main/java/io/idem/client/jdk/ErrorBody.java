package io.idem.client.jdk;

import io.idem.client.ReceivedAnswer;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the bytes of an error before the caller's handler gets them, and bounds the time of any
 * body. For one exchange: a redirect that is followed has no body here.
 *
 * @param <T> what the caller's handler makes of a body
 */
final class ErrorBody<T> implements BodyHandler<T> {

  /** The most bytes of an error that are read; one with more is no answer. */
  static final int MOST_BYTES = 1 << 24;

  private final BodyHandler<T> handler;
  private final long end;
  private volatile byte @Nullable [] bytes;

  /**
   * Starts the time of an attempt.
   *
   * @param handler the caller's
   * @param most how long the body may take, from now
   */
  ErrorBody(BodyHandler<T> handler, Duration most) {
    this.handler = handler;
    this.end = System.nanoTime() + most.toNanos();
  }

  ReceivedAnswer answer(HttpResponse<T> response) {
    return ReceivedAnswer.of(
        response.statusCode(),
        name -> response.headers().firstValue(name).orElse(null),
        ReceivedAnswer.wantsBody(response.statusCode()) ? bytes : null);
  }

  @Override
  public BodySubscriber<T> apply(ResponseInfo response) {
    BodySubscriber<T> body = subscriber(response);
    return new TimedBody<>(body, Duration.ofNanos(Math.max(1, end - System.nanoTime())));
  }

  private BodySubscriber<T> subscriber(ResponseInfo response) {
    if (!ReceivedAnswer.wantsBody(response.statusCode())) {
      return handler.apply(response);
    }
    BodySubscriber<byte[]> whole = BodySubscribers.ofByteArray();
    CompletionStage<T> body =
        whole
            .getBody()
            .thenCompose(
                read -> {
                  bytes = read;
                  return again(read, handler.apply(response));
                });
    return new Handed<>(whole, body);
  }

  private static <T> CompletionStage<T> again(byte[] bytes, BodySubscriber<T> to) {
    to.onSubscribe(
        new Flow.Subscription() {
          private boolean done;

          @Override
          public void request(long n) {
            if (!done) {
              done = true;
              if (bytes.length > 0) {
                to.onNext(List.of(ByteBuffer.wrap(bytes).asReadOnlyBuffer()));
              }
              to.onComplete();
            }
          }

          @Override
          public void cancel() {
            done = true;
          }
        });
    return to.getBody();
  }

  /** Reads into one subscriber, up to a bound, and has the body of another. */
  private static final class Handed<T> implements BodySubscriber<T> {

    private final BodySubscriber<byte[]> to;
    private final CompletionStage<T> body;
    private Flow.@Nullable Subscription subscription;
    private long length;

    /**
     * Creates a subscriber.
     *
     * @param to what is read into
     * @param body the body
     */
    Handed(BodySubscriber<byte[]> to, CompletionStage<T> body) {
      this.to = to;
      this.body = body;
    }

    @Override
    public CompletionStage<T> getBody() {
      return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      this.subscription = subscription;
      to.onSubscribe(subscription);
    }

    @Override
    public void onNext(List<ByteBuffer> item) {
      boolean ended = length > MOST_BYTES;
      for (ByteBuffer buffer : item) {
        length += buffer.remaining();
      }
      if (length <= MOST_BYTES) {
        to.onNext(item);
      } else if (!ended && subscription != null) {
        subscription.cancel();
        to.onError(new IOException("The body of an error has more than " + MOST_BYTES + " bytes"));
      }
    }

    @Override
    public void onError(Throwable throwable) {
      to.onError(throwable);
    }

    @Override
    public void onComplete() {
      to.onComplete();
    }
  }
}
