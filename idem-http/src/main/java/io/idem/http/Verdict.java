package io.idem.http;

import io.idem.core.Execution;
import io.idem.core.Recording;
import io.idem.core.ResultCodecException;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns what the engine said into what the client is sent. Immutable and thread-safe. */
final class Verdict {

  private static final Logger log = LoggerFactory.getLogger("io.idem.http");

  /** A store that is down is seldom back within a second. */
  static final Duration STORE_RETRY_AFTER = Duration.ofSeconds(5);

  private static final HeaderField REPLAYED =
      new HeaderField(HttpIdempotency.REPLAYED_HEADER, "true");

  private static final HeaderField NO_STORE = new HeaderField("Cache-Control", "no-store");

  private final Refusals refusals;
  private final boolean publishRetention;

  Verdict(Refusals refusals, boolean publishRetention) {
    this.refusals = refusals;
    this.publishRetention = publishRetention;
  }

  /** The answer to what the engine returned. */
  HttpAnswer of(HttpEndpoint endpoint, HttpRequestHead request, Execution<HttpOutcome> execution) {
    return execution.fold(
        ran -> new HttpAnswer.Fresh(ran.recording(), onFresh(endpoint, request, ran.recording())),
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
          StoredResponse response = Negotiated.of(answered.response(), endpoint, request);
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

  private List<HeaderField> marked(
      HttpEndpoint endpoint, HttpRequestHead request, List<HeaderField> kept) {
    List<HeaderField> shown = new ArrayList<>();
    shown.add(REPLAYED);
    shown.addAll(endpoint.dialect().onReplay(request));
    addLifetime(endpoint, shown);
    List<HeaderField> headers = new ArrayList<>(kept);
    headers.addAll(shown);
    headers.add(NO_STORE);
    headers.addAll(Exposed.to(request, shown));
    return headers;
  }

  private List<HeaderField> onFresh(
      HttpEndpoint endpoint, HttpRequestHead request, Recording recording) {
    List<HeaderField> added = endpoint.dialect().onFresh(request);
    if (publishRetention && (recording == Recording.STORED || recording == Recording.PENDING)) {
      added = joined(added, endpoint.lifetime());
    }
    return added.isEmpty() ? added : joined(added, Exposed.to(request, added));
  }

  private static List<HeaderField> joined(List<HeaderField> headers, List<HeaderField> more) {
    if (headers.isEmpty()) {
      return more;
    } else if (more.isEmpty()) {
      return headers;
    }
    List<HeaderField> all = new ArrayList<>(headers);
    all.addAll(more);
    return all;
  }

  /** How long the key counts, where that is published. */
  private void addLifetime(HttpEndpoint endpoint, List<HeaderField> headers) {
    if (publishRetention) {
      headers.addAll(endpoint.lifetime());
    }
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
