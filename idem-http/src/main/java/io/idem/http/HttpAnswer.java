package io.idem.http;

import io.idem.core.Recording;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What an adapter is to do with a request. */
public sealed interface HttpAnswer {

  /**
   * Let it run as if there were no protection; nothing has run yet.
   *
   * @param headers header lines to add to the response, in their order
   */
  record PassThrough(List<HeaderField> headers) implements HttpAnswer {

    /**
     * Copies the list.
     *
     * @param headers header lines to add to the response, in their order
     */
    public PassThrough {
      headers = List.copyOf(headers);
    }

    /** Let it run, and add nothing. */
    public PassThrough() {
      this(List.of());
    }
  }

  /**
   * Send what the handler responded.
   *
   * @param recording what became of the record
   * @param headers header lines to add to it, in their order
   */
  record Fresh(Recording recording, List<HeaderField> headers) implements HttpAnswer {

    /**
     * Copies the list.
     *
     * @param recording what became of the record
     * @param headers header lines to add to it, in their order
     */
    public Fresh {
      headers = List.copyOf(headers);
    }

    /**
     * Send what the handler responded, as it is.
     *
     * @param recording what became of the record
     */
    public Fresh(Recording recording) {
      this(recording, List.of());
    }
  }

  /**
   * Send a kept response. Anything the handler may have responded in this call is void.
   *
   * @param response the response, with the headers that mark it as a replay
   */
  record Replay(StoredResponse response) implements HttpAnswer {}

  /**
   * Have the server render an error page again. Anything the handler may have responded in this
   * call is void.
   *
   * @param status the status
   * @param message what it is rendered from, besides the status
   * @param headers the headers, with those that mark it as a replay
   */
  record ReplayErrorPage(int status, @Nullable String message, List<HeaderField> headers)
      implements HttpAnswer {}

  /**
   * Send a problem, as {@link HttpIdempotency#render(HttpEndpoint, HttpRequestHead, Problem)}
   * writes it. Anything the handler may have responded in this call is void.
   *
   * @param problem why
   */
  record Refusal(Problem problem) implements HttpAnswer {}

  /**
   * Turns each kind of answer into one thing.
   *
   * @param passThrough for {@link PassThrough}
   * @param fresh for {@link Fresh}
   * @param replay for {@link Replay}
   * @param replayErrorPage for {@link ReplayErrorPage}
   * @param refusal for {@link Refusal}
   * @param <R> what they become
   * @return what the function of this answer's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<PassThrough, R> passThrough,
      Function<Fresh, R> fresh,
      Function<Replay, R> replay,
      Function<ReplayErrorPage, R> replayErrorPage,
      Function<Refusal, R> refusal) {
    if (this instanceof PassThrough answer) {
      return passThrough.apply(answer);
    } else if (this instanceof Fresh answer) {
      return fresh.apply(answer);
    } else if (this instanceof Replay answer) {
      return replay.apply(answer);
    } else if (this instanceof ReplayErrorPage answer) {
      return replayErrorPage.apply(answer);
    } else {
      return refusal.apply((Refusal) this);
    }
  }
}
