package io.idem.spring;

import io.idem.core.Disposition;
import io.idem.http.HttpDialect;
import io.idem.http.KeySyntax;
import io.idem.http.PathScope;
import io.idem.http.ReplayHeaders;
import io.idem.http.ResponsePolicy;
import io.idem.http.SourceCheck;
import io.idem.http.StaleGuard;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What holds for all {@link Idempotent} endpoints of an application. Immutable and thread-safe. */
public final class WebSettings {

  // ---- the request

  private final boolean callersKnown;
  private final HttpDialect dialect;
  private final Map<String, HttpDialect> dialects;
  private final @Nullable String keySpace;
  private final KeySyntax keySyntax;
  private final int maxRequestBytes;
  private final @Nullable PathScope pathScope;
  private final SourceCheck sourceCheck;
  private final @Nullable StaleGuard staleGuard;
  private final Duration staleAhead;
  private final boolean staleTimeRequired;
  private final @Nullable TokenSettings tokens;

  // ---- the response

  private final int busyStatus;
  private final long maxResponseBytes;
  private final int maxStoredBytes;
  private final ReplayHeaders replayHeaders;
  private final ResponsePolicy responsePolicy;
  private final Duration retryAfter;
  private final @Nullable Disposition serverErrors;

  private WebSettings(Builder builder) {
    this.callersKnown = builder.callersKnown;
    this.dialect = builder.dialect;
    this.dialects = Map.copyOf(builder.dialects);
    this.keySpace = builder.keySpace;
    this.keySyntax = builder.keySyntax;
    this.maxRequestBytes = builder.maxRequestBytes;
    this.pathScope = builder.pathScope;
    this.sourceCheck = builder.sourceCheck;
    this.staleGuard = builder.staleGuard;
    this.staleAhead = builder.staleAhead;
    this.staleTimeRequired = builder.staleTimeRequired;
    this.tokens = builder.tokens;

    this.busyStatus = builder.busyStatus;
    this.maxResponseBytes = builder.maxResponseBytes;
    this.maxStoredBytes = builder.maxStoredBytes;
    this.replayHeaders = builder.replayHeaders;
    this.responsePolicy = builder.responsePolicy;
    this.retryAfter = builder.retryAfter;
    this.serverErrors = builder.serverErrors;
  }

  /**
   * Starts the settings.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  // ---- the request

  /**
   * Whether requests can tell who sends them.
   *
   * @return if false, only endpoints of {@link Idempotent.Caller#SHARED} are accepted
   */
  public boolean callersKnown() {
    return callersKnown;
  }

  /**
   * How the protocol is spelled, where an endpoint names no dialect.
   *
   * @return the dialect
   */
  public HttpDialect dialect() {
    return dialect;
  }

  /**
   * The dialects that an endpoint can choose from.
   *
   * @return the dialects by their names
   */
  public Map<String, HttpDialect> dialects() {
    return dialects;
  }

  /**
   * The key space of all endpoints that name none of their own.
   *
   * @return its name, or null for that of the dialect
   */
  public @Nullable String keySpace() {
    return keySpace;
  }

  /**
   * Where keys come from and what they look like.
   *
   * @return the syntax
   */
  public KeySyntax keySyntax() {
    return keySyntax;
  }

  /**
   * The most bytes a request's body may have.
   *
   * @return the bound
   */
  public int maxRequestBytes() {
    return maxRequestBytes;
  }

  /**
   * What a key is to another path of an operation.
   *
   * @return the scope, or null for that of the dialect
   */
  public @Nullable PathScope pathScope() {
    return pathScope;
  }

  /**
   * Which caller may name which source.
   *
   * @return the check
   */
  public SourceCheck sourceCheck() {
    return sourceCheck;
  }

  /**
   * Which requests are too old.
   *
   * @return the guard, or null for that of the dialect
   */
  public @Nullable StaleGuard staleGuard() {
    return staleGuard;
  }

  /**
   * How far a client's clock may be ahead where an endpoint has a window of its own only.
   *
   * @return the allowance
   */
  public Duration staleAhead() {
    return staleAhead;
  }

  /**
   * Whether requests must tell their time where an endpoint has a window of its own only.
   *
   * @return false by default
   */
  public boolean staleTimeRequired() {
    return staleTimeRequired;
  }

  /**
   * What endpoints take tokens by.
   *
   * @return the settings, or null if none can
   */
  public @Nullable TokenSettings tokens() {
    return tokens;
  }

  // ---- the response

  /**
   * The status of a request that meets a running one.
   *
   * @return 400 to 599; overridden by the annotation
   */
  public int busyStatus() {
    return busyStatus;
  }

  /**
   * The most bytes a response's body may have at all.
   *
   * @return the bound
   */
  public long maxResponseBytes() {
    return maxResponseBytes;
  }

  /**
   * The most bytes of a response's body that are kept.
   *
   * @return the bound
   */
  public int maxStoredBytes() {
    return maxStoredBytes;
  }

  /**
   * The headers that are kept and replayed.
   *
   * @return the list
   */
  public ReplayHeaders replayHeaders() {
    return replayHeaders;
  }

  /**
   * What becomes of the key, by status.
   *
   * @return the policy; what becomes of the key after 5xx is said by {@link #serverErrors()} and
   *     the annotation
   */
  public ResponsePolicy responsePolicy() {
    return responsePolicy;
  }

  /**
   * When a request that meets a running one is told to ask again.
   *
   * @return the time; overridden by the annotation
   */
  public Duration retryAfter() {
    return retryAfter;
  }

  /**
   * What becomes of the key after a response with a status of 5xx.
   *
   * @return the disposition; null if that is as after an exception; overridden by the annotation
   */
  public @Nullable Disposition serverErrors() {
    return serverErrors;
  }

  /** Collects settings. Every setting has a default. Not thread-safe. */
  public static final class Builder {

    private boolean callersKnown;
    private HttpDialect dialect = HttpDialect.ietf();
    private final Map<String, HttpDialect> dialects = new HashMap<>();
    private @Nullable String keySpace;
    private KeySyntax keySyntax = KeySyntax.DEFAULT;
    private int maxRequestBytes = 1 << 20;
    private @Nullable PathScope pathScope;
    private SourceCheck sourceCheck = SourceCheck.any();
    private @Nullable StaleGuard staleGuard;
    private Duration staleAhead = StaleGuard.DEFAULT_AHEAD;
    private boolean staleTimeRequired;
    private @Nullable TokenSettings tokens;

    private int busyStatus = 409;
    private long maxResponseBytes = 1L << 30;
    private int maxStoredBytes = 1 << 20;
    private ReplayHeaders replayHeaders = ReplayHeaders.standard();
    private ResponsePolicy responsePolicy = ResponsePolicy.DEFAULT;
    private Duration retryAfter = Duration.ofSeconds(1);
    private @Nullable Disposition serverErrors;

    private Builder() {
      HttpDialect.all().forEach(brought -> dialects.put(brought.name(), brought));
    }

    // ---- the request

    /**
     * Whether requests can tell who sends them.
     *
     * @param callersKnown false by default
     * @return this
     */
    public Builder callersKnown(boolean callersKnown) {
      this.callersKnown = callersKnown;
      return this;
    }

    /**
     * How the protocol is spelled, where an endpoint names no dialect.
     *
     * @param dialect {@link HttpDialect#ietf()} by default
     * @return this
     */
    public Builder dialect(HttpDialect dialect) {
      this.dialect = dialect;
      return this;
    }

    /**
     * Adds a dialect that an endpoint can choose by its name, in the place of one of that name.
     *
     * @param dialect a dialect besides {@link HttpDialect#all()}
     * @return this
     */
    public Builder knowing(HttpDialect dialect) {
      this.dialects.put(dialect.name(), dialect);
      return this;
    }

    /**
     * The key space of all endpoints that name none of their own, {@link PathScope#SEPARATE} apart.
     *
     * @param keySpace 1 to 200 characters; null, as by default, for that of the dialect
     * @return this
     */
    public Builder keySpace(@Nullable String keySpace) {
      this.keySpace = keySpace;
      return this;
    }

    /**
     * Where keys come from and what they look like.
     *
     * @param keySyntax {@link KeySyntax#DEFAULT} by default
     * @return this
     */
    public Builder keySyntax(KeySyntax keySyntax) {
      this.keySyntax = keySyntax;
      return this;
    }

    /**
     * The most bytes a request's body may have.
     *
     * @param maxRequestBytes at least 0; 1 MiB by default
     * @return this
     */
    public Builder maxRequestBytes(int maxRequestBytes) {
      this.maxRequestBytes = maxRequestBytes;
      return this;
    }

    /**
     * What a key is to another path of an operation.
     *
     * @param pathScope null, as by default, for that of the dialect
     * @return this
     */
    public Builder pathScope(@Nullable PathScope pathScope) {
      this.pathScope = pathScope;
      return this;
    }

    /**
     * Which caller may name which source, where endpoints take source and number.
     *
     * @param sourceCheck {@link SourceCheck#any()} by default
     * @return this
     */
    public Builder sourceCheck(SourceCheck sourceCheck) {
      this.sourceCheck = sourceCheck;
      return this;
    }

    /**
     * Which requests are too old.
     *
     * @param staleGuard null, as by default, for that of the dialect
     * @return this
     */
    public Builder staleGuard(@Nullable StaleGuard staleGuard) {
      this.staleGuard = staleGuard;
      return this;
    }

    /**
     * What holds beside an endpoint's own window where there is no guard for all.
     *
     * @param ahead how far a client's clock may be ahead; five minutes by default
     * @param timeRequired whether a request that does not tell its time is refused
     * @return this
     */
    public Builder staleRules(Duration ahead, boolean timeRequired) {
      this.staleAhead = ahead;
      this.staleTimeRequired = timeRequired;
      return this;
    }

    /**
     * What endpoints take tokens by.
     *
     * @param tokens null, as by default, where none does
     * @return this
     */
    public Builder tokens(@Nullable TokenSettings tokens) {
      this.tokens = tokens;
      return this;
    }

    // ---- the response

    /**
     * The status of a request that meets a running one.
     *
     * @param busyStatus 400 to 599; 409 by default
     * @return this
     */
    public Builder busyStatus(int busyStatus) {
      this.busyStatus = busyStatus;
      return this;
    }

    /**
     * The most bytes a response's body may have at all.
     *
     * @param maxResponseBytes at least 0; 1 GiB by default
     * @return this
     */
    public Builder maxResponseBytes(long maxResponseBytes) {
      this.maxResponseBytes = maxResponseBytes;
      return this;
    }

    /**
     * The most bytes of a response's body that are kept.
     *
     * @param maxStoredBytes at least 0; 1 MiB by default
     * @return this
     */
    public Builder maxStoredBytes(int maxStoredBytes) {
      this.maxStoredBytes = maxStoredBytes;
      return this;
    }

    /**
     * The headers that are kept and replayed.
     *
     * @param replayHeaders {@link ReplayHeaders#standard()} by default
     * @return this
     */
    public Builder replayHeaders(ReplayHeaders replayHeaders) {
      this.replayHeaders = replayHeaders;
      return this;
    }

    /**
     * What becomes of the key, by status.
     *
     * @param responsePolicy {@link ResponsePolicy#DEFAULT} by default
     * @return this
     */
    public Builder responsePolicy(ResponsePolicy responsePolicy) {
      this.responsePolicy = responsePolicy;
      return this;
    }

    /**
     * When a request that meets a running one is told to ask again.
     *
     * @param retryAfter at least 1 ms; 1 second by default
     * @return this
     */
    public Builder retryAfter(Duration retryAfter) {
      this.retryAfter = retryAfter;
      return this;
    }

    /**
     * What becomes of the key after a response with a status of 5xx.
     *
     * @param serverErrors the disposition; null, the default, for the same as after an exception
     * @return this
     */
    public Builder serverErrors(@Nullable Disposition serverErrors) {
      this.serverErrors = serverErrors;
      return this;
    }

    /**
     * Makes the settings.
     *
     * @return the settings
     */
    public WebSettings build() {
      return new WebSettings(this);
    }
  }
}
