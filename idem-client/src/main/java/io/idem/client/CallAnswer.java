package io.idem.client;

import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What became of a call, as far as can be told after its last attempt.
 *
 * @param <R> the client library's response
 */
public sealed interface CallAnswer<R> {

  /**
   * It was carried out. As far as the answer tells: a server that does not mark repeats cannot be
   * told from one that carried it out now.
   *
   * @param response the response
   * @param <R> the client library's response
   */
  record Ran<R>(R response) implements CallAnswer<R> {}

  /**
   * It was carried out before, and this is the answer that was stored ({@code Idempotent-Replayed:
   * true}).
   *
   * @param response the response
   * @param <R> the client library's response
   */
  record Replayed<R>(R response) implements CallAnswer<R> {}

  /**
   * It was carried out before, but the answer was not kept: its result has to be looked up.
   *
   * @param answer what was received
   * @param <R> the client library's response
   */
  record ResultNotStored<R>(ReceivedAnswer answer) implements CallAnswer<R> {}

  /**
   * Another request under this key is still being carried out: ask again, under the same key.
   *
   * @param answer what was received
   * @param retryAfter when to ask again; zero if the server did not say
   * @param <R> the client library's response
   */
  record Busy<R>(ReceivedAnswer answer, Duration retryAfter) implements CallAnswer<R> {}

  /**
   * It was not carried out, by no attempt of this call.
   *
   * @param answer what was received
   * @param replayed whether that is a refusal that was stored before
   * @param <R> the client library's response
   */
  record Refused<R>(ReceivedAnswer answer, boolean replayed) implements CallAnswer<R> {}

  /**
   * Nobody knows whether it was carried out. It must not be sent under another key before that is
   * known; sent again under the same key, it takes effect once.
   *
   * @param key the key; null for a call that had none
   * @param answer what was received last, if anything
   * @param cause what the last attempt failed with, if it had no answer
   * @param <R> the client library's response
   */
  record Unknown<R>(
      @Nullable String key, @Nullable ReceivedAnswer answer, @Nullable Throwable cause)
      implements CallAnswer<R> {

    /** Its text does not show the key. */
    @Override
    public String toString() {
      return "Unknown[answer=" + answer + ", cause=" + cause + "]";
    }
  }

  /**
   * Turns each kind of answer into one thing.
   *
   * @param ran for {@link Ran}
   * @param replayed for {@link Replayed}
   * @param resultNotStored for {@link ResultNotStored}
   * @param busy for {@link Busy}
   * @param refused for {@link Refused}
   * @param unknown for {@link Unknown}
   * @param <T> what they become
   * @return what the function of this answer's kind returned
   */
  default <T extends @Nullable Object> T fold(
      Function<Ran<R>, T> ran,
      Function<Replayed<R>, T> replayed,
      Function<ResultNotStored<R>, T> resultNotStored,
      Function<Busy<R>, T> busy,
      Function<Refused<R>, T> refused,
      Function<Unknown<R>, T> unknown) {
    if (this instanceof Ran<R> answer) {
      return ran.apply(answer);
    } else if (this instanceof Replayed<R> answer) {
      return replayed.apply(answer);
    } else if (this instanceof ResultNotStored<R> answer) {
      return resultNotStored.apply(answer);
    } else if (this instanceof Busy<R> answer) {
      return busy.apply(answer);
    } else if (this instanceof Refused<R> answer) {
      return refused.apply(answer);
    } else {
      return unknown.apply((Unknown<R>) this);
    }
  }
}
