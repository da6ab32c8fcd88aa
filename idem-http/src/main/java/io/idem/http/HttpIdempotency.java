package io.idem.http;

import io.idem.core.Attempt;
import io.idem.core.Body;
import io.idem.core.Disposition;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.ResultCodecException;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.StoreUnavailableException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Idempotency-Key protocol, for any HTTP server.
 *
 * <ol>
 *   <li>A method that the endpoint does not protect, or an absent optional key, passes through.
 *   <li>A missing or malformed key is refused (400), then a missing caller (403), then a body over
 *       the bound (413). Nothing has been looked up so far, and the key is not consumed.
 *   <li>The engine decides: a key of a different request (422), a request still running (409), an
 *       unknown outcome, an answer that was not kept, a replay, or the handler's turn.
 *   <li>What the handler responded is recorded, freed or left unknown by its directive and the
 *       endpoint's {@link ResponsePolicy}, before this method returns. Only then is anything sent.
 * </ol>
 *
 * <p>Immutable and thread-safe.
 */
public final class HttpIdempotency {

  /** The header that marks a replay. */
  public static final String REPLAYED_HEADER = "Idempotent-Replayed";

  /** The path under which the documentation of problems is found by default. */
  public static final String DEFAULT_PROBLEM_BASE = "/idempotency/problems";

  private static final Logger log = LoggerFactory.getLogger("io.idem.http");

  private static final Duration STORE_RETRY_AFTER = Duration.ofSeconds(5);

  private final String problemBase;

  /** The protocol with its problems documented under {@value #DEFAULT_PROBLEM_BASE}. */
  public HttpIdempotency() {
    this(DEFAULT_PROBLEM_BASE);
  }

  /**
   * The protocol with its problems documented elsewhere.
   *
   * @param problemBase what the type URI of a problem starts with, before a slash and the {@link
   *     ProblemType#slug()}: a path, or an absolute URI
   */
  public HttpIdempotency(String problemBase) {
    if (problemBase.isEmpty() || problemBase.endsWith("/")) {
      throw new IllegalArgumentException(
          "The base of problem types is a path or URI without a slash at its end, for example "
              + DEFAULT_PROBLEM_BASE);
    }
    this.problemBase = problemBase;
  }

  /**
   * Starts an operation that runs behind an endpoint. Its results decide about the key by
   * themselves, and the endpoint bounds their size: leave {@code onResult} as it is.
   *
   * @param engine the engine
   * @param name the operation's name, a part of every key's identity
   * @return a builder
   */
  public static Operation.Builder<HttpOutcome> operation(Idempotency engine, String name) {
    return engine
        .operation(name, HttpOutcome.codec())
        .maxResultBytes(Integer.MAX_VALUE)
        .onResult(HttpOutcome::disposition);
  }

  /**
   * What the type URI of a problem starts with.
   *
   * @return the base, without a slash at its end
   */
  public String problemBase() {
    return problemBase;
  }

  /**
   * Carries one request.
   *
   * @param endpoint how it is protected
   * @param exchange the request
   * @param handler the rest of the application; runs at most once
   * @param <X> what the handler throws
   * @return what to do with the request
   * @throws X what the handler threw, or a recorded failure of an earlier run
   * @throws IOException if the body cannot be read; nothing ran and the key is not consumed
   */
  public <X extends Throwable> HttpAnswer execute(
      HttpEndpoint endpoint, HttpExchange exchange, HttpHandler<X> handler) throws IOException, X {
    if (!endpoint.protects(exchange.method())) {
      return new HttpAnswer.PassThrough();
    }
    KeySyntax syntax = endpoint.keySyntax();
    KeySyntax.Result parsed = syntax.parse(exchange.headerLines(syntax.headerName()));
    if (parsed instanceof KeySyntax.Missing && !endpoint.isKeyRequired()) {
      return new HttpAnswer.PassThrough();
    }
    if (!(parsed instanceof KeySyntax.Key key)) {
      return parsed.fold(
          unused -> new HttpAnswer.PassThrough(),
          missing -> refuse(ProblemType.KEY_MISSING, missingDetail(syntax.headerName()), null),
          malformed -> refuse(ProblemType.KEY_MALFORMED, malformed.detail(), null));
    }
    String source = "";
    if (endpoint.callerScope() == CallerScope.CALLER) {
      String caller = exchange.caller();
      if (caller == null || caller.isEmpty()) {
        return refuse(
            ProblemType.CALLER_REQUIRED,
            "Idempotency keys of this endpoint belong to a caller. Authenticate, then send the"
                + " request again with the same key.",
            null);
      }
      source = caller;
    }
    RequestBody body = exchange.body(endpoint.maxRequestBytes());
    if (body instanceof RequestBody.TooLarge) {
      return refuse(
          ProblemType.REQUEST_TOO_LARGE,
          "The body of a request to this endpoint has at most "
              + endpoint.maxRequestBytes()
              + " bytes. Send a smaller one; the same key may be used for it.",
          null);
    }
    Fingerprint fingerprint =
        RequestFingerprint.of(
            exchange.method(),
            exchange.path(),
            exchange.query(),
            exchange.headerLines("Content-Type").stream().findFirst().orElse(null),
            body);
    IdempotentRequest request;
    try {
      request = new IdempotentRequest(source, key.value(), fingerprint);
    } catch (IllegalArgumentException e) {
      // The key has been checked, so this is the caller's name.
      log.warn(
          "A request of operation '{}' is refused: the name of its caller cannot scope a key: {}",
          endpoint.operation().name(),
          e.getMessage());
      return refuse(
          ProblemType.CALLER_REQUIRED,
          "The name of the caller is too long or not valid Unicode, so that no key can belong to it.",
          null);
    }
    return run(endpoint, exchange, request, handler);
  }

  private <X extends Throwable> HttpAnswer run(
      HttpEndpoint endpoint,
      HttpExchange exchange,
      IdempotentRequest request,
      HttpHandler<X> handler)
      throws X {
    Run<X> run = new Run<>(endpoint, handler);
    Execution<HttpOutcome> execution;
    try {
      execution = endpoint.operation().execute(request, run);
    } catch (StoreUnavailableException e) {
      if (e == run.failure) {
        throw e;
      }
      log.warn(
          "A request of operation '{}' is refused: its store is unavailable",
          endpoint.operation().name(),
          e);
      return refuse(
          ProblemType.STORE_UNAVAILABLE,
          "It cannot be told at the moment whether this request was carried out before. Send it"
              + " again with the same key.",
          STORE_RETRY_AFTER);
    } catch (ResultCodecException e) {
      if (run.started) {
        throw e;
      }
      log.error(
          "A stored response of operation '{}' cannot be read", endpoint.operation().name(), e);
      return answerNotStored("its stored form cannot be read");
    }
    return execution.fold(
        ran -> new HttpAnswer.Fresh(ran.recording()),
        replayed -> replay(exchange, replayed.result()),
        busy -> busy(endpoint, busy.retryAfter()),
        reused ->
            refuse(
                ProblemType.KEY_REUSED,
                "This key was sent with a different request before. Send a new operation with a new"
                    + " key, or a retry exactly as it was the first time.",
                null),
        unresolved ->
            refuse(
                ProblemType.OUTCOME_UNKNOWN,
                "An earlier request with this key ended without a known outcome, and is not carried"
                    + " out again. Find out whether it took effect before you send it with a new"
                    + " key.",
                null),
        notStored -> answerNotStored(notStored.reason()));
  }

  private HttpAnswer replay(HttpExchange exchange, HttpOutcome outcome) {
    return outcome.fold(
        answered -> {
          StoredResponse response = answered.response();
          return new HttpAnswer.Replay(
              new StoredResponse(
                  response.status(), marked(exchange, response.headers()), response.body()));
        },
        page ->
            new HttpAnswer.ReplayErrorPage(
                page.status(), page.message(), marked(exchange, page.headers())),
        notKept ->
            answerNotStored(
                notKept.reason() == HttpOutcome.Reason.TOO_LARGE
                    ? "it was too large"
                    : "the operation does not keep it"));
  }

  private static List<HeaderField> marked(HttpExchange exchange, List<HeaderField> kept) {
    List<HeaderField> headers = new ArrayList<>(kept);
    headers.add(new HeaderField(REPLAYED_HEADER, "true"));
    headers.add(new HeaderField("Cache-Control", "no-store"));
    if (!exchange.headerLines("Origin").isEmpty()) {
      headers.add(new HeaderField("Access-Control-Expose-Headers", REPLAYED_HEADER));
    }
    return headers;
  }

  private HttpAnswer busy(HttpEndpoint endpoint, Duration retryAfter) {
    ProblemType type = ProblemType.IN_PROGRESS;
    return new HttpAnswer.Refusal(
        new Problem(
            type,
            uri(type),
            endpoint.busyStatus(),
            type.title(),
            "The first request with this key has not ended yet. Wait, then send the same request"
                + " with the same key.",
            retryAfter));
  }

  private HttpAnswer answerNotStored(String reason) {
    return refuse(
        ProblemType.ANSWER_NOT_STORED,
        "The request was carried out before, but its answer cannot be given again: "
            + reason
            + ". Look the result up; a new key would carry it out twice.",
        null);
  }

  private HttpAnswer refuse(ProblemType type, String detail, @Nullable Duration retryAfter) {
    return new HttpAnswer.Refusal(
        new Problem(type, uri(type), type.status(), type.title(), detail, retryAfter));
  }

  private String uri(ProblemType type) {
    return problemBase + "/" + type.slug();
  }

  private static String missingDetail(String headerName) {
    return "Send the "
        + headerName
        + " header with a key that is unique to this operation, for example a random UUID in double"
        + " quotes, and send the same key with every retry.";
  }

  /** The handler's turn, and what is kept of it. */
  private static final class Run<X extends Throwable> implements Body<HttpOutcome, X> {

    private final HttpEndpoint endpoint;
    private final HttpHandler<X> handler;
    private boolean started;
    private @Nullable Throwable failure;

    Run(HttpEndpoint endpoint, HttpHandler<X> handler) {
      this.endpoint = endpoint;
      this.handler = handler;
    }

    @Override
    public HttpOutcome run(Attempt attempt) throws X {
      started = true;
      try {
        return outcomeOf(handler.handle(attempt));
      } catch (Throwable thrown) {
        failure = thrown;
        throw thrown;
      }
    }

    private HttpOutcome outcomeOf(HandlerResponse response) {
      if (response.directive() == HandlerResponse.Directive.NOTHING_HAPPENED) {
        return new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, Disposition.RELEASE);
      }
      if (response.directive() == HandlerResponse.Directive.OUTCOME_UNKNOWN) {
        return new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, Disposition.UNKNOWN);
      }
      Disposition disposition = endpoint.responsePolicy().dispositionOf(response.status());
      if (response.directive() == HandlerResponse.Directive.DO_NOT_KEEP) {
        return new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, disposition);
      }
      List<HeaderField> headers = endpoint.replayHeaders().filter(response.headers());
      return response
          .content()
          .fold(
              body ->
                  body.bytes().length > endpoint.maxStoredBytes()
                      ? new HttpOutcome.NotKept(HttpOutcome.Reason.TOO_LARGE, disposition)
                      : new HttpOutcome.Answered(
                          new StoredResponse(response.status(), headers, body.bytes()),
                          disposition),
              tooLarge -> new HttpOutcome.NotKept(HttpOutcome.Reason.TOO_LARGE, disposition),
              page ->
                  new HttpOutcome.ErrorPage(
                      response.status(), page.message(), headers, disposition));
    }
  }
}
