package io.idem.spring.boot;

import java.time.Duration;

/** The properties {@code idem.circuit-breaker.*}. */
public class IdemCircuitBreakerProperties {

  /** Whether claims are held back while the store fails or is slow. */
  private boolean enabled = false;

  /** How many percent of the last calls fail, or are slow, before claims are held back. */
  private float failureRate = 50;

  /** How many of the last calls are looked at. */
  private int calls = 20;

  /** A call that takes longer counts as slow. */
  private Duration slowAfter = Duration.ofSeconds(2);

  /** How long claims are held back before some try whether the store is back. */
  private Duration wait = Duration.ofSeconds(5);

  /** Creates the properties with their defaults. */
  public IdemCircuitBreakerProperties() {}

  /**
   * Whether claims are held back while the store fails or is slow.
   *
   * @return false by default
   */
  public boolean isEnabled() {
    return enabled;
  }

  /**
   * Whether claims are held back while the store fails or is slow.
   *
   * @param enabled true to hold claims back
   */
  public void setEnabled(boolean enabled) {
    this.enabled = enabled;
  }

  /**
   * How many percent of the last calls fail, or are slow, before claims are held back.
   *
   * @return 50 by default
   */
  public float getFailureRate() {
    return failureRate;
  }

  /**
   * How many percent of the last calls fail, or are slow, before claims are held back.
   *
   * @param failureRate more than 0, at most 100
   */
  public void setFailureRate(float failureRate) {
    this.failureRate = failureRate;
  }

  /**
   * How many of the last calls are looked at.
   *
   * @return 20 by default
   */
  public int getCalls() {
    return calls;
  }

  /**
   * How many of the last calls are looked at.
   *
   * @param calls at least 1
   */
  public void setCalls(int calls) {
    this.calls = calls;
  }

  /**
   * A call that takes longer counts as slow.
   *
   * @return 2 seconds by default
   */
  public Duration getSlowAfter() {
    return slowAfter;
  }

  /**
   * A call that takes longer counts as slow.
   *
   * @param slowAfter more than zero
   */
  public void setSlowAfter(Duration slowAfter) {
    this.slowAfter = slowAfter;
  }

  /**
   * How long claims are held back before some try whether the store is back.
   *
   * @return 5 seconds by default
   */
  public Duration getWait() {
    return wait;
  }

  /**
   * How long claims are held back before some try whether the store is back.
   *
   * @param wait more than zero
   */
  public void setWait(Duration wait) {
    this.wait = wait;
  }
}
