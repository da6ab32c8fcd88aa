package io.idem.http;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.core.ResultCodecException;
import io.idem.core.store.StoreUnavailableException;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The Idempotency-Key protocol, for any HTTP server.
 *
 * <ol>
 *   <li>A method that the endpoint does not protect, or an absent optional key, passes through.
 *   <li>A missing or malformed key is refused (400), then a missing caller or a foreign source
 *       (403), a request that is too old (412), a body over the bound (413), and the exchange may
 *       object ({@link HttpExchange#authorize()}). A key in the body comes after caller and size.
 *       Nothing has been looked up so far, and the key is not consumed.
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

  /** The header that says that a key was of no use, because nothing protects the request. */
  public static final String IGNORED_HEADER = "Idempotency-Key-Ignored";

  /**
   * The header that says how long a key counts, counted from the first answer: a duration by
   * ISO-8601, as Iceberg's REST catalogs write their {@code idempotency-key-lifetime}.
   */
  public static final String LIFETIME_HEADER = "Idempotency-Key-Lifetime";

  /** The path under which the documentation of problems is found by default. */
  public static final String DEFAULT_PROBLEM_BASE = "/idempotency/problems";

  private final Refusals refusals;
  private final HttpDialect dialect;
  private final ProblemTexts texts;
  private final KeySource unprotectedSource;
  private final UnprotectedKeys unprotectedKeys;
  private final Intake intake;
  private final Verdict verdict;

  /** The protocol with its problems documented under {@value #DEFAULT_PROBLEM_BASE}. */
  public HttpIdempotency() {
    this(builder());
  }

  /**
   * The protocol with its problems documented elsewhere.
   *
   * @param problemBase as in {@link Builder#problemBase}
   */
  public HttpIdempotency(String problemBase) {
    this(builder().problemBase(problemBase));
  }

  private HttpIdempotency(Builder builder) {
    this.refusals = builder.refusals;
    this.dialect = builder.dialect;
    this.texts = builder.texts;
    this.unprotectedSource = builder.dialect.keySource(builder.keySyntax);
    this.unprotectedKeys = builder.unprotectedKeys;
    this.intake = new Intake(refusals, builder.clock, builder.unprotectedKeys);
    this.verdict = new Verdict(refusals, builder.publishRetention);
  }

  /**
   * Starts the settings of the protocol.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
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
    return refusals.base();
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
    Intake.AtHead head = intake.head(endpoint, exchange);
    if (head instanceof Intake.Settled settled) {
      return settled.answer();
    }
    Intake.NeedsBody needsBody = (Intake.NeedsBody) head;
    RequestBody read = exchange.body(endpoint.maxRequestBytes());
    Intake.AtBody body = intake.body(endpoint, exchange, needsBody, read);
    if (body instanceof Intake.Settled settled) {
      return settled.answer();
    }
    exchange.authorize();
    Recorder recorder = new Recorder(endpoint);
    Execution<HttpOutcome> execution;
    try {
      execution =
          endpoint.operation().execute(((Intake.Ready) body).request(), recorder.around(handler));
    } catch (StoreUnavailableException | ResultCodecException e) {
      HttpAnswer answer = verdict.ofFailure(endpoint, recorder, e);
      if (answer == null) {
        throw e;
      }
      return answer;
    }
    return verdict.of(endpoint, exchange, execution);
  }

  /**
   * Carries one request without a thread that waits. The rules are those of {@link #execute}; the
   * operation of the endpoint is a leased one.
   *
   * @param endpoint how it is protected
   * @param exchange the request
   * @param handler the rest of the application; runs at most once
   * @return ends with what to do with the request, or exceptionally with what {@link #execute}
   *     throws, which a {@link CompletionException} may wrap; to cancel it stops nothing
   */
  public CompletionStage<HttpAnswer> executeAsync(
      HttpEndpoint endpoint, AsyncHttpExchange exchange, AsyncHttpHandler handler) {
    Intake.AtHead head = intake.head(endpoint, exchange);
    if (head instanceof Intake.Settled settled) {
      return CompletableFuture.completedFuture(settled.answer());
    }
    return exchange
        .body(endpoint.maxRequestBytes())
        .thenCompose(
            read -> {
              Intake.AtBody body = intake.body(endpoint, exchange, (Intake.NeedsBody) head, read);
              return body instanceof Intake.Settled settled
                  ? CompletableFuture.completedFuture(settled.answer())
                  : exchange
                      .authorize()
                      .thenCompose(
                          authorized -> run(endpoint, exchange, (Intake.Ready) body, handler));
            });
  }

  private CompletionStage<HttpAnswer> run(
      HttpEndpoint endpoint,
      AsyncHttpExchange exchange,
      Intake.Ready ready,
      AsyncHttpHandler handler) {
    Recorder recorder = new Recorder(endpoint);
    return endpoint
        .operation()
        .executeAsync(ready.request(), recorder.aroundAsync(handler))
        .handle(
            (execution, thrown) -> {
              if (thrown == null) {
                return verdict.of(endpoint, exchange, execution);
              }
              HttpAnswer answer = verdict.ofFailure(endpoint, recorder, thrown);
              if (answer == null) {
                throw new CompletionException(thrown);
              }
              return answer;
            });
  }

  /**
   * Answers a request that has no endpoint. One that sends a key all the same is dealt with as
   * {@link Builder#unprotectedKeys} says.
   *
   * @param request the request; its caller and body are not asked for
   * @return {@link HttpAnswer.PassThrough} or {@link HttpAnswer.Refusal}
   */
  public HttpAnswer unprotected(HttpRequestHead request) {
    return intake.unprotected(unprotectedSource, dialect, request);
  }

  /**
   * What becomes of keys where nothing protects a request.
   *
   * @return the setting
   */
  public UnprotectedKeys unprotectedKeys() {
    return unprotectedKeys;
  }

  /**
   * Writes a refusal of a request that has no endpoint, in the {@linkplain Builder#dialect dialect
   * of the protocol}.
   *
   * @param request the request
   * @param problem why it is refused
   * @return what is sent
   */
  public StoredResponse render(HttpRequestHead request, Problem problem) {
    return render(dialect, request, problem);
  }

  /**
   * Writes a refusal of an endpoint, in its dialect.
   *
   * @param endpoint the endpoint
   * @param request the request
   * @param problem why it is refused
   * @return what is sent
   */
  public StoredResponse render(HttpEndpoint endpoint, HttpRequestHead request, Problem problem) {
    return render(endpoint.dialect(), request, problem);
  }

  /**
   * Writes a refusal where no endpoint is known, in the {@linkplain Builder#dialect dialect of the
   * protocol}: for what the engine throws out of an operation that a handler calls.
   *
   * @param request the request
   * @param type why it is refused
   * @param detail what to do about it, without anything of the key or the body
   * @param retryAfter when to try again, or null if that is not known
   * @return what is sent
   */
  public StoredResponse render(
      HttpRequestHead request, ProblemType type, String detail, @Nullable Duration retryAfter) {
    int status = dialect.statusOf(type, type.status());
    return render(dialect, request, refusals.problem(type, status, detail, retryAfter));
  }

  /** In the client's language, with a type that resolves where the client found the application. */
  private StoredResponse render(HttpDialect dialect, HttpRequestHead request, Problem problem) {
    String uri = problem.typeUri();
    boolean ofThisServer = uri.startsWith("/") && !uri.startsWith("//");
    Problem resolved = ofThisServer ? problem.at(request.contextPath() + uri) : problem;
    Languages.Title title =
        Languages.choose(request.headerLines("Accept-Language"), texts, problem.type());
    if (title == null) {
      return Exposed.whole(request, dialect.refusal(resolved, request));
    }
    StoredResponse refusal = dialect.refusal(resolved.titled(title.text()), request);
    List<HeaderField> headers = new ArrayList<>(refusal.headers());
    headers.add(new HeaderField("Content-Language", title.locale().toLanguageTag()));
    return Exposed.whole(request, new StoredResponse(refusal.status(), headers, refusal.body()));
  }

  /** Collects the settings of the protocol. Every setting has a default. Not thread-safe. */
  public static final class Builder {

    private Refusals refusals = new Refusals(DEFAULT_PROBLEM_BASE);
    private InstantSource clock = InstantSource.system();
    private HttpDialect dialect = HttpDialect.ietf();
    private KeySyntax keySyntax = KeySyntax.DEFAULT;
    private boolean publishRetention = true;
    private ProblemTexts texts = ProblemTexts.bundled();
    private UnprotectedKeys unprotectedKeys = UnprotectedKeys.FLAG;

    private Builder() {}

    // In the order of their names.

    /**
     * What the times of requests are held against by a {@link StaleGuard}; nothing else asks it.
     *
     * @param clock the clock of the system by default
     * @return this
     */
    public Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    /**
     * The dialect of refusals where no endpoint is known. Endpoints have {@linkplain
     * HttpEndpoint.Builder#dialect their own}.
     *
     * @param dialect {@link HttpDialect#ietf()} by default
     * @return this
     */
    public Builder dialect(HttpDialect dialect) {
      this.dialect = dialect;
      return this;
    }

    /**
     * Which header is looked at for a key where there is no endpoint.
     *
     * @param keySyntax {@link KeySyntax#DEFAULT} by default
     * @return this
     */
    public Builder keySyntax(KeySyntax keySyntax) {
      this.keySyntax = keySyntax;
      return this;
    }

    /**
     * Where problems are documented.
     *
     * @param problemBase what the type URI of a problem starts with, before a slash and the {@link
     *     ProblemType#slug()}: a path within the application, before which its {@linkplain
     *     HttpRequestHead#contextPath() context path} is put, or an absolute URI; {@value
     *     #DEFAULT_PROBLEM_BASE} by default
     * @return this
     * @throws IllegalArgumentException if it is empty or ends with a slash
     */
    public Builder problemBase(String problemBase) {
      this.refusals = new Refusals(problemBase);
      return this;
    }

    /**
     * Whether answers under a key say how long it counts, in the header {@value #LIFETIME_HEADER}.
     *
     * @param publishRetention true by default
     * @return this
     */
    public Builder publishRetention(boolean publishRetention) {
      this.publishRetention = publishRetention;
      return this;
    }

    /**
     * The titles of problems in other languages than English, chosen by the client's {@code
     * Accept-Language}.
     *
     * @param texts {@link ProblemTexts#bundled()} by default
     * @return this
     */
    public Builder texts(ProblemTexts texts) {
      this.texts = texts;
      return this;
    }

    /**
     * What becomes of a request that sends a key to where nothing protects it.
     *
     * @param unprotectedKeys {@link UnprotectedKeys#FLAG} by default
     * @return this
     */
    public Builder unprotectedKeys(UnprotectedKeys unprotectedKeys) {
      this.unprotectedKeys = unprotectedKeys;
      return this;
    }

    /**
     * Makes the protocol.
     *
     * @return the protocol
     */
    public HttpIdempotency build() {
      return new HttpIdempotency(this);
    }
  }
}
