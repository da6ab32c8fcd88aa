package io.idem.spring.boot;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The properties {@code idem.tokens.*}. */
public class IdemTokenProperties {

  static final String DEFAULT_PATH = "/idempotency/tokens";

  /** Whether tokens are issued and endpoints can take them for keys. */
  private boolean enabled = true;

  /** Where scripts get tokens, by POST. */
  private String path = DEFAULT_PATH;

  /**
   * How long a token is valid. By default one hour, or less where the retention of its operation
   * demands it.
   */
  private @Nullable Duration validFor;

  /** The request header that a token may be sent in. By default that of other keys. */
  private @Nullable String header;

  /** The form field that a token may be sent in. */
  private String field = "idempotency_token";

  /** Secrets that tokens are signed and verified with, in Base64, by the id that a token shows. */
  private Map<String, String> keys = new LinkedHashMap<>();

  /** The id of the key that signs new tokens. By default the only one there is. */
  private @Nullable String signWith;

  /** By how much the clocks of two nodes may differ. */
  private Duration clockSkew = Duration.ofMinutes(5);

  /** Creates the properties with their defaults. */
  public IdemTokenProperties() {}

  /**
   * Whether tokens are issued.
   *
   * @return true by default
   */
  public boolean isEnabled() {
    return enabled;
  }

  /**
   * Sets whether tokens are issued.
   *
   * @param enabled false to refuse endpoints that take them
   */
  public void setEnabled(boolean enabled) {
    this.enabled = enabled;
  }

  /**
   * Where scripts get tokens.
   *
   * @return the path, below that of the application
   */
  public String getPath() {
    return path;
  }

  /**
   * Sets where scripts get tokens.
   *
   * @param path a path that starts with a slash
   */
  public void setPath(String path) {
    this.path = path;
  }

  /**
   * How long a token is valid.
   *
   * @return the time, or null for one hour or less
   */
  public @Nullable Duration getValidFor() {
    return validFor;
  }

  /**
   * Sets how long a token is valid.
   *
   * @param validFor at most the retention of every operation that takes tokens, less the clock skew
   */
  public void setValidFor(@Nullable Duration validFor) {
    this.validFor = validFor;
  }

  /**
   * The request header that a token may be sent in.
   *
   * @return the name, or null for that of other keys
   */
  public @Nullable String getHeader() {
    return header;
  }

  /**
   * Sets the request header that a token may be sent in.
   *
   * @param header the name
   */
  public void setHeader(@Nullable String header) {
    this.header = header;
  }

  /**
   * The form field that a token may be sent in.
   *
   * @return the name
   */
  public String getField() {
    return field;
  }

  /**
   * Sets the form field that a token may be sent in.
   *
   * @param field the name
   */
  public void setField(String field) {
    this.field = field;
  }

  /**
   * The secrets.
   *
   * @return each by its id, in Base64
   */
  public Map<String, String> getKeys() {
    return keys;
  }

  /**
   * Sets the secrets.
   *
   * @param keys at least 32 bytes each, by ids of 1 to 16 letters, digits, hyphens, dots and
   *     underscores
   */
  public void setKeys(Map<String, String> keys) {
    this.keys = keys;
  }

  /**
   * Which key signs.
   *
   * @return its id, or null for the only one there is
   */
  public @Nullable String getSignWith() {
    return signWith;
  }

  /**
   * Sets which key signs.
   *
   * @param signWith its id
   */
  public void setSignWith(@Nullable String signWith) {
    this.signWith = signWith;
  }

  /**
   * By how much the clocks of two nodes may differ.
   *
   * @return the time by which tokens expire before their records may be gone
   */
  public Duration getClockSkew() {
    return clockSkew;
  }

  /**
   * Sets by how much the clocks of two nodes may differ.
   *
   * @param clockSkew at least zero
   */
  public void setClockSkew(Duration clockSkew) {
    this.clockSkew = clockSkew;
  }
}
