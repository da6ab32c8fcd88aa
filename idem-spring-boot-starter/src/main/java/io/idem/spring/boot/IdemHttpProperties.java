package io.idem.spring.boot;

import io.idem.http.HttpIdempotency;
import io.idem.http.PathScope;
import io.idem.http.ResponsePolicy;
import io.idem.http.UnprotectedKeys;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.NestedConfigurationProperty;
import org.springframework.util.unit.DataSize;

/** The properties {@code idem.http.*}. */
public class IdemHttpProperties {

  /** Whether endpoints are protected. If not, an application with idempotent endpoints fails. */
  private boolean enabled = true;

  // ---- the request

  /** How the protocol is spelled: ietf, stripe, oasis, or the name of an HttpDialect bean. */
  private String dialect = "ietf";

  /** The request header that holds the key, where an endpoint names no other. */
  private String header = "Idempotency-Key";

  /** The key space that all endpoints share; by default what the dialect says. */
  private @Nullable String keySpace;

  /** Whether only the structured-field spelling of a key is accepted, that is, one in quotes. */
  private boolean strictKeys;

  /** The most characters a key may have. At most 255. */
  private int maxKeyLength = 255;

  /** The most bytes the body of a protected request may have. */
  private DataSize maxRequestSize = DataSize.ofMegabytes(1);

  /** What a key is to another path of an endpoint; by default what the dialect says. */
  private @Nullable PathScope pathScope;

  /** What the type of a problem starts with: a path of this application, or an absolute URI. */
  private String problemBase = HttpIdempotency.DEFAULT_PROBLEM_BASE;

  /** Whether answers say how long a key counts, in the header Idempotency-Key-Lifetime. */
  private boolean publishRetention = true;

  /** What becomes of a request that sends a key to where nothing protects it. */
  private UnprotectedKeys unprotectedKeys = UnprotectedKeys.FLAG;

  @NestedConfigurationProperty
  private final IdemStaleGuardProperties staleGuard = new IdemStaleGuardProperties();

  // ---- the response

  /** The status of a request that meets a running one, where an endpoint names no other. */
  private int busyStatus = 409;

  /** The most bytes the body of a protected response may have at all. */
  private DataSize maxResponseSize = DataSize.ofGigabytes(1);

  /** The most bytes of a response's body that are kept for repeats. */
  private DataSize maxStoredSize = DataSize.ofMegabytes(1);

  /** Response headers that are kept for repeats besides the standard ones. */
  private Set<String> replayHeaders = new LinkedHashSet<>();

  /** The statuses, all 4xx, that free the key: the request was turned away before it began. */
  private Set<Integer> releasingStatuses = new LinkedHashSet<>(ResponsePolicy.DEFAULT.releasing());

  /** When a request that meets a running one is told to ask again. */
  private Duration retryAfter = Duration.ofSeconds(1);

  /**
   * What becomes of the key after a response with a status of 5xx, where an endpoint says nothing
   * else. The same as after an exception if it is not set.
   */
  private @Nullable ServerErrors serverErrors;

  /** What becomes of the key after a response with a status of 5xx. */
  public enum ServerErrors {
    /** The key is free; in transactional mode everything is rolled back. */
    RELEASE,
    /** The response is stored and replayed; in transactional mode it commits. */
    RECORD,
    /** Nobody knows; in transactional mode everything is rolled back, and the key is free. */
    UNKNOWN
  }

  /** Creates the properties with their defaults. */
  public IdemHttpProperties() {}

  /**
   * Whether endpoints are protected.
   *
   * @return true by default
   */
  public boolean isEnabled() {
    return enabled;
  }

  /**
   * Sets whether endpoints are protected.
   *
   * @param enabled false to do without
   */
  public void setEnabled(boolean enabled) {
    this.enabled = enabled;
  }

  // ---- the request

  /**
   * How the protocol is spelled, where an endpoint names no dialect.
   *
   * @return the name of an {@link io.idem.http.HttpDialect}
   */
  public String getDialect() {
    return dialect;
  }

  /**
   * Sets how the protocol is spelled.
   *
   * @param dialect the name of a dialect
   */
  public void setDialect(String dialect) {
    this.dialect = dialect;
  }

  /**
   * The request header that holds the key.
   *
   * @return the name
   */
  public String getHeader() {
    return header;
  }

  /**
   * Sets the request header that holds the key.
   *
   * @param header the name
   */
  public void setHeader(String header) {
    this.header = header;
  }

  /**
   * The key space that all endpoints share.
   *
   * @return its name, or null for what the dialect says
   */
  public @Nullable String getKeySpace() {
    return keySpace;
  }

  /**
   * Sets the key space that all endpoints share.
   *
   * @param keySpace 1 to 200 characters, or null
   */
  public void setKeySpace(@Nullable String keySpace) {
    this.keySpace = keySpace;
  }

  /**
   * Whether only quoted keys are accepted.
   *
   * @return false by default
   */
  public boolean isStrictKeys() {
    return strictKeys;
  }

  /**
   * Sets whether only quoted keys are accepted.
   *
   * @param strictKeys true to refuse bare ones
   */
  public void setStrictKeys(boolean strictKeys) {
    this.strictKeys = strictKeys;
  }

  /**
   * The most characters a key may have.
   *
   * @return the bound
   */
  public int getMaxKeyLength() {
    return maxKeyLength;
  }

  /**
   * Sets the most characters a key may have.
   *
   * @param maxKeyLength 1 to 255
   */
  public void setMaxKeyLength(int maxKeyLength) {
    this.maxKeyLength = maxKeyLength;
  }

  /**
   * The most bytes a protected request's body may have.
   *
   * @return the bound
   */
  public DataSize getMaxRequestSize() {
    return maxRequestSize;
  }

  /**
   * Sets the most bytes a protected request's body may have.
   *
   * @param maxRequestSize up to 2 GB
   */
  public void setMaxRequestSize(DataSize maxRequestSize) {
    this.maxRequestSize = maxRequestSize;
  }

  /**
   * What a key is to another path of an endpoint.
   *
   * @return the scope, or null for what the dialect says
   */
  public @Nullable PathScope getPathScope() {
    return pathScope;
  }

  /**
   * Sets what a key is to another path of an endpoint.
   *
   * @param pathScope separate, for another operation, or misuse
   */
  public void setPathScope(@Nullable PathScope pathScope) {
    this.pathScope = pathScope;
  }

  /**
   * What the type of a problem starts with.
   *
   * @return a path or URI, without a slash at its end
   */
  public String getProblemBase() {
    return problemBase;
  }

  /**
   * Sets what the type of a problem starts with.
   *
   * @param problemBase a path of this application, where its documentation is then served, or an
   *     absolute URI
   */
  public void setProblemBase(String problemBase) {
    this.problemBase = problemBase;
  }

  /**
   * Whether answers say how long a key counts.
   *
   * @return true by default
   */
  public boolean isPublishRetention() {
    return publishRetention;
  }

  /**
   * Sets whether answers say how long a key counts.
   *
   * @param publishRetention false to keep it to oneself
   */
  public void setPublishRetention(boolean publishRetention) {
    this.publishRetention = publishRetention;
  }

  /**
   * What becomes of a request that sends a key to where nothing protects it.
   *
   * @return {@link UnprotectedKeys#FLAG} by default
   */
  public UnprotectedKeys getUnprotectedKeys() {
    return unprotectedKeys;
  }

  /**
   * Sets what becomes of a request that sends a key to where nothing protects it.
   *
   * @param unprotectedKeys flag, refuse or ignore
   */
  public void setUnprotectedKeys(UnprotectedKeys unprotectedKeys) {
    this.unprotectedKeys = unprotectedKeys;
  }

  /**
   * Which requests are too old.
   *
   * @return the properties
   */
  public IdemStaleGuardProperties getStaleGuard() {
    return staleGuard;
  }

  // ---- the response

  /**
   * The status of a request that meets a running one.
   *
   * @return 409 by default
   */
  public int getBusyStatus() {
    return busyStatus;
  }

  /**
   * Sets the status of a request that meets a running one.
   *
   * @param busyStatus 400 to 599
   */
  public void setBusyStatus(int busyStatus) {
    this.busyStatus = busyStatus;
  }

  /**
   * The most bytes a protected response may have at all.
   *
   * @return the bound
   */
  public DataSize getMaxResponseSize() {
    return maxResponseSize;
  }

  /**
   * Sets the most bytes a protected response may have at all; what is larger than what is kept
   * waits on disk until the outcome is recorded.
   *
   * @param maxResponseSize the bound
   */
  public void setMaxResponseSize(DataSize maxResponseSize) {
    this.maxResponseSize = maxResponseSize;
  }

  /**
   * The statuses that free the key.
   *
   * @return 400, 401, 403, 408, 415, 425 and 429 by default
   */
  public Set<Integer> getReleasingStatuses() {
    return releasingStatuses;
  }

  /**
   * Sets the statuses that free the key.
   *
   * @param releasingStatuses all of them, each 400 to 499
   */
  public void setReleasingStatuses(Set<Integer> releasingStatuses) {
    this.releasingStatuses = releasingStatuses;
  }

  /**
   * When a request that meets a running one is told to ask again.
   *
   * @return 1 second by default
   */
  public Duration getRetryAfter() {
    return retryAfter;
  }

  /**
   * Sets when a request that meets a running one is told to ask again.
   *
   * @param retryAfter the time, sent in whole seconds, rounded up
   */
  public void setRetryAfter(Duration retryAfter) {
    this.retryAfter = retryAfter;
  }

  /**
   * What becomes of the key after a response with a status of 5xx.
   *
   * @return null, the default, for the same as after an exception
   */
  public @Nullable ServerErrors getServerErrors() {
    return serverErrors;
  }

  /**
   * Sets what becomes of the key after a response with a status of 5xx.
   *
   * @param serverErrors null for the same as after an exception
   */
  public void setServerErrors(@Nullable ServerErrors serverErrors) {
    this.serverErrors = serverErrors;
  }

  /**
   * The most bytes of a response that are kept.
   *
   * @return the bound
   */
  public DataSize getMaxStoredSize() {
    return maxStoredSize;
  }

  /**
   * Sets the most bytes of a response that are kept.
   *
   * @param maxStoredSize up to 2 GB
   */
  public void setMaxStoredSize(DataSize maxStoredSize) {
    this.maxStoredSize = maxStoredSize;
  }

  /**
   * Response headers that are kept besides the standard ones.
   *
   * @return the names
   */
  public Set<String> getReplayHeaders() {
    return replayHeaders;
  }

  /**
   * Sets the response headers that are kept besides the standard ones.
   *
   * @param replayHeaders the names
   */
  public void setReplayHeaders(Set<String> replayHeaders) {
    this.replayHeaders = replayHeaders;
  }
}
