package io.idem.spring;

import io.idem.http.HttpDialect;
import io.idem.http.KeySyntax;
import io.idem.http.ReplayHeaders;
import io.idem.http.ResponsePolicy;
import java.util.HashMap;
import java.util.Map;

/** What holds for all {@link Idempotent} endpoints of an application. Immutable and thread-safe. */
public final class WebSettings {

  // ---- the request

  private final boolean callersKnown;
  private final HttpDialect dialect;
  private final Map<String, HttpDialect> dialects;
  private final KeySyntax keySyntax;
  private final int maxRequestBytes;

  // ---- the response

  private final int maxStoredBytes;
  private final ReplayHeaders replayHeaders;
  private final ResponsePolicy responsePolicy;

  private WebSettings(Builder builder) {
    this.callersKnown = builder.callersKnown;
    this.dialect = builder.dialect;
    this.dialects = Map.copyOf(builder.dialects);
    this.keySyntax = builder.keySyntax;
    this.maxRequestBytes = builder.maxRequestBytes;

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
    private final Map<String, HttpDialect> dialects = new HashMap<>();
    private KeySyntax keySyntax = KeySyntax.DEFAULT;
    private int maxRequestBytes = 1 << 20;

    private int maxStoredBytes = 1 << 20;
    private ReplayHeaders replayHeaders = ReplayHeaders.standard();
    private ResponsePolicy responsePolicy = ResponsePolicy.DEFAULT;

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
