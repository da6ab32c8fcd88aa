package io.idem.spring.boot;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The properties {@code idem.redis.*}. */
public class IdemRedisProperties {

  /** What every key begins with. No braces: they would gather a cluster's keys in one slot. */
  private String prefix = "idem:"; // a literal, for the metadata

  /**
   * How long after its lease a record without an outcome is kept. Zero until it is settled: a
   * request whose record was forgotten runs as if it were the first.
   */
  private Duration forgetUnfinishedAfter = Duration.ZERO;

  /** Whether the end of a run is published to those who wait for it on other nodes. */
  private boolean wakeWaiters = true;

  /** Whether a server that may evict keys is refused, rather than warned about. */
  private boolean requireNoEviction;

  /** How long a command may take. */
  private Duration timeout = Duration.ofSeconds(2);

  /** The name of the Lettuce connection factory bean to use, where there are several. */
  private @Nullable String connectionFactory;

  /** Creates the properties with their defaults. */
  public IdemRedisProperties() {}

  /**
   * What every key begins with.
   *
   * @return the prefix
   */
  public String getPrefix() {
    return prefix;
  }

  /**
   * Sets what every key begins with.
   *
   * @param prefix not empty, without braces
   */
  public void setPrefix(String prefix) {
    this.prefix = prefix;
  }

  /**
   * How long after its lease a record without an outcome is kept.
   *
   * @return zero, the default, for until it is settled
   */
  public Duration getForgetUnfinishedAfter() {
    return forgetUnfinishedAfter;
  }

  /**
   * Sets how long after its lease a record without an outcome is kept.
   *
   * @param forgetUnfinishedAfter zero for until it is settled
   */
  public void setForgetUnfinishedAfter(Duration forgetUnfinishedAfter) {
    this.forgetUnfinishedAfter = forgetUnfinishedAfter;
  }

  /**
   * Whether the end of a run is published.
   *
   * @return true by default
   */
  public boolean isWakeWaiters() {
    return wakeWaiters;
  }

  /**
   * Sets whether the end of a run is published.
   *
   * @param wakeWaiters false to let those who wait look by themselves
   */
  public void setWakeWaiters(boolean wakeWaiters) {
    this.wakeWaiters = wakeWaiters;
  }

  /**
   * Whether a server that may evict keys is refused.
   *
   * @return false by default: it is warned about
   */
  public boolean isRequireNoEviction() {
    return requireNoEviction;
  }

  /**
   * Sets whether a server that may evict keys is refused.
   *
   * @param requireNoEviction true to refuse it
   */
  public void setRequireNoEviction(boolean requireNoEviction) {
    this.requireNoEviction = requireNoEviction;
  }

  /**
   * How long a command may take.
   *
   * @return the bound
   */
  public Duration getTimeout() {
    return timeout;
  }

  /**
   * Sets how long a command may take.
   *
   * @param timeout more than zero
   */
  public void setTimeout(Duration timeout) {
    this.timeout = timeout;
  }

  /**
   * The name of the connection factory bean.
   *
   * @return the name, or null for the only or primary one
   */
  public @Nullable String getConnectionFactory() {
    return connectionFactory;
  }

  /**
   * Sets the connection factory bean.
   *
   * @param connectionFactory the name of the bean
   */
  public void setConnectionFactory(@Nullable String connectionFactory) {
    this.connectionFactory = connectionFactory;
  }
}
