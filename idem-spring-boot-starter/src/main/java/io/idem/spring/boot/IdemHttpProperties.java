package io.idem.spring.boot;

import io.idem.http.PathScope;
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

  /** The request header that holds the key, where an endpoint names no other. */
  private String header = "Idempotency-Key";

  /** Whether only the structured-field spelling of a key is accepted, that is, one in quotes. */
  private boolean strictKeys;

  /** The most characters a key may have. At most 255. */
  private int maxKeyLength = 255;

  /** The most bytes the body of a protected request may have. */
  private DataSize maxRequestSize = DataSize.ofMegabytes(1);

  /** What a key is to another path of an endpoint; by default what the dialect says. */
  private @Nullable PathScope pathScope;

  @NestedConfigurationProperty
  private final IdemStaleGuardProperties staleGuard = new IdemStaleGuardProperties();

  // ---- the response

  /** The most bytes of a response's body that are kept for repeats. */
  private DataSize maxStoredSize = DataSize.ofMegabytes(1);

  /** Response headers that are kept for repeats besides the standard ones. */
  private Set<String> replayHeaders = new LinkedHashSet<>();

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
   * Which requests are too old.
   *
   * @return the properties
   */
  public IdemStaleGuardProperties getStaleGuard() {
    return staleGuard;
  }

  // ---- the response

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
