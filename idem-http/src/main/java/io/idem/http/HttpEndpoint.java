package io.idem.http;

import io.idem.core.Operation;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How one endpoint is protected. Made once, used for the life of the application; immutable.
 *
 * <p>Waiting, retention and the answer to abandoned keys are settings of its {@link Operation}.
 */
public final class HttpEndpoint {

  private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

  private final Operation<HttpOutcome> operation;
  private final HttpDialect dialect;
  private final KeySource keySource;
  private final boolean keyRequired;
  private final CallerScope callerScope;
  private final PathScope pathScope;
  private final @Nullable StaleGuard staleGuard;
  private final @Nullable BodyFields comparing;
  private final @Nullable Set<String> methods;
  private final int maxRequestBytes;
  private final int maxStoredBytes;
  private final long maxResponseBytes;
  private final ResponsePolicy responsePolicy;
  private final ReplayHeaders replayHeaders;
  private final int busyStatus;
  private final List<HeaderField> lifetime;

  private HttpEndpoint(Builder builder) {
    this.operation = builder.operation;
    this.dialect = builder.dialect;
    this.keySource =
        builder.keySource != null
            ? builder.keySource
            : builder.dialect.keySource(builder.keySyntax);
    this.keyRequired = builder.keyRequired;
    this.callerScope = builder.callerScope;
    this.pathScope = pathScope(builder);
    this.staleGuard =
        builder.staleGuard != null
            ? builder.staleGuard
            : builder.dialect.staleGuard(builder.operation.retention());
    this.comparing = builder.comparing;
    this.methods = builder.methods;
    this.maxRequestBytes = builder.maxRequestBytes;
    this.maxStoredBytes = builder.maxStoredBytes;
    this.maxResponseBytes = Math.max(builder.maxResponseBytes, builder.maxStoredBytes);
    this.responsePolicy = builder.responsePolicy;
    this.replayHeaders = builder.replayHeaders;
    this.busyStatus = builder.busyStatus;
    this.lifetime =
        List.of(new HeaderField(HttpIdempotency.LIFETIME_HEADER, operation.retention().toString()));
  }

  private static PathScope pathScope(Builder builder) {
    if (builder.pathScope != null) {
      return builder.pathScope;
    }
    return builder.operation.keySpace() != null ? PathScope.MISUSE : builder.dialect.pathScope();
  }

  /**
   * Starts the settings of an endpoint.
   *
   * @param operation what runs behind it, made by {@link HttpIdempotency#operation}
   * @return a builder
   */
  public static Builder builder(Operation<HttpOutcome> operation) {
    return new Builder(operation);
  }

  /**
   * What runs behind it.
   *
   * @return the operation
   */
  public Operation<HttpOutcome> operation() {
    return operation;
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
   * Where the key comes from.
   *
   * @return the source
   */
  public KeySource keySource() {
    return keySource;
  }

  /**
   * Whether a request without a key is refused.
   *
   * @return false if it runs unprotected instead
   */
  public boolean isKeyRequired() {
    return keyRequired;
  }

  /**
   * Whom keys belong to.
   *
   * @return the scope
   */
  public CallerScope callerScope() {
    return callerScope;
  }

  /**
   * What a key is to another path of the operation.
   *
   * @return the scope
   */
  public PathScope pathScope() {
    return pathScope;
  }

  /**
   * Which requests are too old.
   *
   * @return the guard, or null if age does not count
   */
  public @Nullable StaleGuard staleGuard() {
    return staleGuard;
  }

  /**
   * The fields that count as the request.
   *
   * @return the fields, or null if the whole body counts
   */
  public @Nullable BodyFields comparing() {
    return comparing;
  }

  /**
   * Whether requests of a method are protected.
   *
   * @param method the method, in its own case
   * @return true if they are
   */
  public boolean protects(String method) {
    return methods == null ? !SAFE.contains(method) : methods.contains(method);
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
   * The most bytes of a response's body that are kept.
   *
   * @return the bound
   */
  public int maxStoredBytes() {
    return maxStoredBytes;
  }

  /**
   * The most bytes a response's body may have at all.
   *
   * @return the bound, at least {@link #maxStoredBytes()}
   */
  public long maxResponseBytes() {
    return maxResponseBytes;
  }

  /**
   * What becomes of the key, by status.
   *
   * @return the policy
   */
  public ResponsePolicy responsePolicy() {
    return responsePolicy;
  }

  /**
   * The headers that are kept.
   *
   * @return the list
   */
  public ReplayHeaders replayHeaders() {
    return replayHeaders;
  }

  /**
   * The status of a request that meets a running one.
   *
   * @return the status
   */
  public int busyStatus() {
    return busyStatus;
  }

  /** Whether a method is safe (RFC 9110, section 9.2.1). */
  static boolean isSafe(String method) {
    return SAFE.contains(method);
  }

  /** The header that says how long a key counts, for those who publish it. */
  List<HeaderField> lifetime() {
    return lifetime;
  }

  /** The status of a refusal, in the endpoint's dialect. */
  int statusOf(ProblemType type) {
    return dialect.statusOf(type, type == ProblemType.IN_PROGRESS ? busyStatus : type.status());
  }

  /** Names the operation. */
  @Override
  public String toString() {
    return "HttpEndpoint[" + operation.name() + "]";
  }

  /** Collects the settings of an endpoint. Every setting has a default. Not thread-safe. */
  public static final class Builder {

    private final Operation<HttpOutcome> operation;
    private HttpDialect dialect = HttpDialect.ietf();
    private KeySyntax keySyntax = KeySyntax.DEFAULT;
    private @Nullable KeySource keySource;
    private boolean keyRequired = true;
    private CallerScope callerScope = CallerScope.CALLER;
    private @Nullable PathScope pathScope;
    private @Nullable StaleGuard staleGuard;
    private @Nullable BodyFields comparing;
    private @Nullable Set<String> methods = Set.of("POST", "PATCH");
    private int maxRequestBytes = 1 << 20;
    private int maxStoredBytes = 1 << 20;
    private long maxResponseBytes = 1L << 30;
    private ResponsePolicy responsePolicy = ResponsePolicy.DEFAULT;
    private ReplayHeaders replayHeaders = ReplayHeaders.standard();
    private int busyStatus = ProblemType.IN_PROGRESS.status();

    private Builder(Operation<HttpOutcome> operation) {
      this.operation = operation;
    }

    // ---- the request

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
     * Which header the key comes in and how it is read, where no {@linkplain #keySource source} is
     * set. The dialect may prescribe another header.
     *
     * @param keySyntax {@link KeySyntax#DEFAULT} by default
     * @return this
     */
    public Builder keySyntax(KeySyntax keySyntax) {
      this.keySyntax = keySyntax;
      return this;
    }

    /**
     * Where the key comes from, whatever the dialect.
     *
     * @param keySource what the dialect makes of the {@linkplain #keySyntax syntax} by default
     * @return this
     */
    public Builder keySource(KeySource keySource) {
      this.keySource = keySource;
      return this;
    }

    /**
     * Lets requests without a key run unprotected, instead of refusing them.
     *
     * @return this
     */
    public Builder keyOptional() {
      this.keyRequired = false;
      return this;
    }

    /**
     * Whom keys belong to.
     *
     * @param callerScope {@link CallerScope#CALLER} by default
     * @return this
     */
    public Builder callerScope(CallerScope callerScope) {
      this.callerScope = callerScope;
      return this;
    }

    /**
     * What a key is to another path of the operation.
     *
     * @param pathScope by default {@link PathScope#MISUSE} where the operation shares a {@linkplain
     *     Operation#keySpace() key space}, else that of the {@linkplain HttpDialect#pathScope()
     *     dialect}, which is {@link PathScope#SEPARATE} in most
     * @return this
     */
    public Builder pathScope(PathScope pathScope) {
      this.pathScope = pathScope;
      return this;
    }

    /**
     * Which requests are too old, and refused with {@link ProblemType#STALE_REQUEST}.
     *
     * @param staleGuard that of the {@linkplain HttpDialect#staleGuard dialect} by default, which
     *     is none in most
     * @return this
     */
    public Builder staleGuard(StaleGuard staleGuard) {
      this.staleGuard = staleGuard;
      return this;
    }

    /**
     * The fields that count as the request: what else its body says does not tell a repeat from
     * another request.
     *
     * @param comparing the whole body by default
     * @return this
     */
    public Builder comparing(BodyFields comparing) {
      this.comparing = comparing;
      return this;
    }

    /**
     * Which methods are protected; requests of others run as if there were no protection.
     *
     * @param methods POST and PATCH by default
     * @return this
     * @throws IllegalArgumentException for a safe method (RFC 9110, section 9.2.1), which has no
     *     effect to protect
     */
    public Builder methods(String... methods) {
      Set<String> set = new TreeSet<>();
      for (String method : methods) {
        String upperCase = method.toUpperCase(Locale.ROOT);
        if (SAFE.contains(upperCase)) {
          throw new IllegalArgumentException(
              upperCase
                  + " is safe and never protected: take it off the methods of operation '"
                  + operation.name()
                  + "'");
        }
        set.add(upperCase);
      }
      this.methods = set;
      return this;
    }

    /**
     * Protects requests of every method that is not safe (RFC 9110, section 9.2.1), known or not.
     *
     * @return this
     */
    public Builder unsafeMethods() {
      this.methods = null;
      return this;
    }

    /**
     * The most bytes a request's body may have; a larger one is refused. A body that the server
     * itself takes apart, such as a multipart upload, is bounded by the server's own settings.
     *
     * @param maxRequestBytes at least 0; 1 MiB by default
     * @return this
     */
    public Builder maxRequestBytes(int maxRequestBytes) {
      this.maxRequestBytes = notNegative(maxRequestBytes);
      return this;
    }

    // ---- the response

    /**
     * The most bytes of a response's body that are kept. A larger response reaches its own caller
     * whole; repeats are told {@link ProblemType#ANSWER_NOT_STORED}.
     *
     * @param maxStoredBytes at least 0; 1 MiB by default
     * @return this
     */
    public Builder maxStoredBytes(int maxStoredBytes) {
      this.maxStoredBytes = notNegative(maxStoredBytes);
      return this;
    }

    /**
     * The most bytes a response's body may have at all. What is not kept in memory is held on disk
     * until the outcome is recorded, and this bounds it: writing more fails in the handler, with an
     * {@link java.io.IOException} from a servlet's stream.
     *
     * @param maxResponseBytes at least 0; 1 GiB by default; what is {@linkplain #maxStoredBytes
     *     kept} is never too large
     * @return this
     */
    public Builder maxResponseBytes(long maxResponseBytes) {
      if (maxResponseBytes < 0) {
        throw new IllegalArgumentException("A size is not negative, found " + maxResponseBytes);
      }
      this.maxResponseBytes = maxResponseBytes;
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
     * The status of a request that meets a running one.
     *
     * @param busyStatus 400 to 599; 409 by default
     * @return this
     */
    public Builder busyStatus(int busyStatus) {
      if (busyStatus < 400 || busyStatus > 599) {
        throw new IllegalArgumentException("A refusal's status is 400 to 599, found " + busyStatus);
      }
      this.busyStatus = busyStatus;
      return this;
    }

    /**
     * Makes the endpoint.
     *
     * @return the endpoint
     * @throws IllegalArgumentException if its settings contradict each other
     */
    public HttpEndpoint build() {
      HttpEndpoint endpoint = new HttpEndpoint(this);
      if (endpoint.keySource instanceof KeySource.SourceAndNumber
          && callerScope == CallerScope.SHARED) {
        throw new IllegalArgumentException(
            "Operation '"
                + operation.name()
                + "' takes source and number for its key, which belong to the authenticated caller,"
                + " but its keys are shared by all callers: use CallerScope.CALLER");
      }
      if (operation.keySpace() != null && endpoint.pathScope == PathScope.SEPARATE) {
        throw new IllegalArgumentException(
            "Operation '"
                + operation.name()
                + "' shares the key space '"
                + operation.keySpace()
                + "', in which a key of another path is a mistake, but its path scope is SEPARATE,"
                + " with which it is another key: leave one of them away");
      }
      StaleGuard guard = endpoint.staleGuard;
      if (guard != null
          && guard.window().plus(guard.ahead()).compareTo(operation.retention()) > 0) {
        throw new IllegalArgumentException(
            "Operation '"
                + operation.name()
                + "' admits requests until "
                + guard.window()
                + " after their first attempt by clocks that may be "
                + guard.ahead()
                + " ahead, but keeps their records for "
                + operation.retention()
                + " only, so that a late retry would run again: raise its retention or lower the"
                + " window of its stale guard");
      }
      return endpoint;
    }

    private static int notNegative(int bytes) {
      if (bytes < 0) {
        throw new IllegalArgumentException("A size is not negative, found " + bytes);
      }
      return bytes;
    }
  }
}
