package io.idem.spring.boot;

import io.idem.http.StaleGuard;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The properties {@code idem.http.stale-guard.*}. */
public class IdemStaleGuardProperties {

  /** How long after its first attempt a request is admitted. By default its age does not count. */
  private @Nullable Duration window;

  /** How far a client's clock may be ahead. */
  private Duration ahead = StaleGuard.DEFAULT_AHEAD;

  /** Whether a request is refused that does not tell when it was first sent. */
  private boolean timeRequired;

  /** Creates the properties with their defaults. */
  public IdemStaleGuardProperties() {}

  /**
   * How long after its first attempt a request is admitted.
   *
   * @return the window, or null if age does not count
   */
  public @Nullable Duration getWindow() {
    return window;
  }

  /**
   * Sets how long after its first attempt a request is admitted.
   *
   * @param window at most the retention of every endpoint
   */
  public void setWindow(@Nullable Duration window) {
    this.window = window;
  }

  /**
   * How far a client's clock may be ahead.
   *
   * @return the allowance
   */
  public Duration getAhead() {
    return ahead;
  }

  /**
   * Sets how far a client's clock may be ahead.
   *
   * @param ahead at least zero
   */
  public void setAhead(Duration ahead) {
    this.ahead = ahead;
  }

  /**
   * Whether a request that does not tell its time is refused.
   *
   * @return false by default
   */
  public boolean isTimeRequired() {
    return timeRequired;
  }

  /**
   * Sets whether a request that does not tell its time is refused.
   *
   * @param timeRequired true to refuse it
   */
  public void setTimeRequired(boolean timeRequired) {
    this.timeRequired = timeRequired;
  }
}
