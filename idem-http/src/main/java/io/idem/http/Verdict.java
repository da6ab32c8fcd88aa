package io.idem.http;

import io.idem.core.Execution;
import io.idem.core.ResultCodecException;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns what the engine said into what the client is sent. Immutable and thread-safe. */
final class Verdict {

  private static final Logger log = LoggerFactory.getLogger("io.idem.http");

  private static final Duration STORE_RETRY_AFTER = Duration.ofSeconds(5);

  private final Refusals refusals;

  Verdict(Refusals refusals) {
    this.refusals = refusals;
  }

  /** The answer to what the engine returned. */
  HttpAnswer of(HttpEndpoint endpoint, HttpRequestHead request, Execution<HttpOutcome> execution) {
    return execution.fold(
        ran -> new HttpAnswer.Fresh(ran.recording(), onFresh(endpoint, request)),
        replayed -> replay(endpoint, request, replayed.result()),
        busy ->
            refusals.refuse(
                endpoint,
                ProblemType.IN_PROGRESS,
                "The first request with this key has not ended yet. Wait, then send the same"
                    + " request with the same key.",
                busy.retryAfter()),
        reused ->
            refusals.refuse(
                endpoint,
                ProblemType.KEY_REUSED,
                "This key was sent with a different request before. Send a new operation with a new"
                    + " key, or a retry exactly as it was the first time."),
        unresolved ->
            refusals.refuse(
                endpoint,
                ProblemType.OUTCOME_UNKNOWN,
                "An earlier request with this key ended without a known outcome, and is not carried"
                    + " out again. Find out whether it took effect before you send it with a new"
                    + " key."),
        notStored -> answerNotStored(endpoint, notStored.reason()));
  }

  /** The answer to what the engine threw, or null if it is the caller's to deal with. */
  @Nullable HttpAnswer ofFailure(HttpEndpoint endpoint, Recorder recorder, Throwable thrown) {
    if (thrown instanceof StoreUnavailableException && !recorder.threw(thrown)) {
      log.warn(
          "A request of operation '{}' is refused: its store is unavailable",
          endpoint.operation().name(),
          thrown);
      return refusals.refuse(
          endpoint,
          ProblemType.STORE_UNAVAILABLE,
          "It cannot be told at the moment whether this request was carried out before. Send it"
              + " again with the same key.",
          STORE_RETRY_AFTER);
    }
    if (thrown instanceof ResultCodecException && !recorder.hasStarted()) {
      log.error(
          "A stored response of operation '{}' cannot be read",
          endpoint.operation().name(),
          thrown);
      return answerNotStored(endpoint, "its stored form cannot be read");
    }
    return null;
  }

  private HttpAnswer replay(HttpEndpoint endpoint, HttpRequestHead request, HttpOutcome outcome) {
    return outcome.fold(
        answered -> {
          StoredResponse response = answered.response();
          return new HttpAnswer.Replay(
              new StoredResponse(
                  response.status(),
                  marked(endpoint, request, response.headers()),
                  response.body()));
        },
        page ->
            new HttpAnswer.ReplayErrorPage(
                page.status(), page.message(), marked(endpoint, request, page.headers())),
        notKept ->
            answerNotStored(
                endpoint,
                notKept.reason() == HttpOutcome.Reason.TOO_LARGE
                    ? "it was too large"
                    : "the operation does not keep it"));
  }

  private static List<HeaderField> marked(
      HttpEndpoint endpoint, HttpRequestHead request, List<HeaderField> kept) {
    HeaderField mark = new HeaderField(HttpIdempotency.REPLAYED_HEADER, "true");
    List<HeaderField> added = endpoint.dialect().onReplay(request);
    List<HeaderField> headers = new ArrayList<>(kept);
    headers.add(mark);
    headers.add(new HeaderField("Cache-Control", "no-store"));
    headers.addAll(added);
    headers.addAll(exposing(request, Stream.concat(Stream.of(mark), added.stream())));
    return headers;
  }

  private static List<HeaderField> onFresh(HttpEndpoint endpoint, HttpRequestHead request) {
    List<HeaderField> added = endpoint.dialect().onFresh(request);
    if (added.isEmpty()) {
      return added;
    }
    List<HeaderField> headers = new ArrayList<>(added);
    headers.addAll(exposing(request, added.stream()));
    return headers;
  }

  /** The leave of a script of another origin to read some headers, where there may be one. */
  static List<HeaderField> exposing(HttpRequestHead request, Stream<HeaderField> headers) {
    return request.headerLines("Origin").isEmpty()
        ? List.of()
        : List.of(
            new HeaderField(
                "Access-Control-Expose-Headers",
                headers.map(HeaderField::name).distinct().collect(Collectors.joining(", "))));
  }

  private HttpAnswer answerNotStored(HttpEndpoint endpoint, String reason) {
    return refusals.refuse(
        endpoint,
        ProblemType.ANSWER_NOT_STORED,
        "The request was carried out before, but its answer cannot be given again: "
            + reason
            + ". Look the result up; a new key would carry it out twice.");
  }
}
