package io.idem.spring;

import io.idem.http.HttpDialect;
import io.idem.http.KeySyntax;
import io.idem.http.PathScope;
import io.idem.http.ReplayHeaders;
import io.idem.http.ResponsePolicy;
import io.idem.http.SourceCheck;
import io.idem.http.StaleGuard;
import org.jspecify.annotations.Nullable;

/** What holds for all {@link Idempotent} endpoints of an application. Immutable and thread-safe. */
public final class WebSettings {

  // ---- the request

  private final boolean callersKnown;
  private final HttpDialect dialect;
  private final KeySyntax keySyntax;
  private final int maxRequestBytes;
  private final @Nullable PathScope pathScope;
  private final SourceCheck sourceCheck;
  private final @Nullable StaleGuard staleGuard;
  private final @Nullable TokenSettings tokens;

  // ---- the response

  private final int maxStoredBytes;
  private final ReplayHeaders replayHeaders;
  private final ResponsePolicy responsePolicy;

  private WebSettings(Builder builder) {
    this.callersKnown = builder.callersKnown;
    this.dialect = builder.dialect;
    this.keySyntax = builder.keySyntax;
    this.maxRequestBytes = builder.maxRequestBytes;
    this.pathScope = builder.pathScope;
    this.sourceCheck = builder.sourceCheck;
    this.staleGuard = builder.staleGuard;
    this.tokens = builder.tokens;

    this.maxStoredBytes = builder.maxStoredBytes;
    this.replayHeaders = builder.replayHeaders;
    this.responsePolicy = builder.responsePolicy;
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
   * How the protocol is spelled.
   *
   * @return the dialect
   */
  public HttpDialect dialect() {
    return dialect;
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
   * What endpoints take tokens by.
   *
   * @return the settings, or null if none can
   */
  public @Nullable TokenSettings tokens() {
    return tokens;
  }

  // ---- the response

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
   * @return the policy; what it says of 5xx is overridden by the annotation
   */
  public ResponsePolicy responsePolicy() {
    return responsePolicy;
  }

  /** Collects settings. Every setting has a default. Not thread-safe. */
  public static final class Builder {

    private boolean callersKnown;
    private HttpDialect dialect = HttpDialect.ietf();
    private KeySyntax keySyntax = KeySyntax.DEFAULT;
    private int maxRequestBytes = 1 << 20;
    private @Nullable PathScope pathScope;
    private SourceCheck sourceCheck = SourceCheck.any();
    private @Nullable StaleGuard staleGuard;
    private @Nullable TokenSettings tokens;

    private int maxStoredBytes = 1 << 20;
    private ReplayHeaders replayHeaders = ReplayHeaders.standard();
    private ResponsePolicy responsePolicy = ResponsePolicy.DEFAULT;

    private Builder() {}

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
     * How the protocol is spelled.
     *
     * @param dialect {@link HttpDialect#ietf()} by default
     * @return this
     */
    public Builder dialect(HttpDialect dialect) {
      this.dialect = dialect;
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
     * Makes the settings.
     *
     * @return the settings
     */
    public WebSettings build() {
      return new WebSettings(this);
    }
  }
}
