package io.idem.redis;

import io.idem.core.store.CompletionSignal;
import java.time.Duration;

/**
 * How records are kept in Redis. Immutable.
 *
 * @param prefix what every key begins with, before the 16 bytes of the record id. Without braces:
 *     they would gather all keys of a cluster in one slot. Up to 14 characters of ASCII cost no
 *     memory beyond the default
 * @param forgetUnfinishedAfter how long after its lease ran out a record without an outcome is
 *     kept; zero, the default, until it is settled. Forgetting one lets the next request run as if
 *     it were the first, although nobody knows what became of the last: an explicit choice of
 *     memory over certainty
 * @param wakeWaiters whether those who wait here for a key are told when it changes hands, see
 *     {@link CompletionSignal}. It costs the first claim that finds a key running a write, and the
 *     end of that run a PUBLISH, which a cluster passes on to every node
 * @param requireNoEviction whether a server that may evict keys is refused rather than warned about
 */
public record RedisSettings(
    String prefix, Duration forgetUnfinishedAfter, boolean wakeWaiters, boolean requireNoEviction) {

  /** The default prefix. */
  public static final String DEFAULT_PREFIX = "idem:";

  /**
   * Checks the settings.
   *
   * @param prefix what every key begins with
   * @param forgetUnfinishedAfter how long a record without an outcome is kept
   * @param wakeWaiters whether those who wait are told
   * @param requireNoEviction whether a server that may evict keys is refused
   * @throws IllegalArgumentException if the prefix is empty or has braces, or the time is negative
   */
  public RedisSettings {
    if (prefix.isEmpty() || prefix.indexOf('{') >= 0 || prefix.indexOf('}') >= 0) {
      throw new IllegalArgumentException(
          "The prefix of keys is not empty and has no braces, found '" + prefix + "'");
    }
    if (forgetUnfinishedAfter.isNegative()) {
      throw new IllegalArgumentException(
          "The time to keep unfinished records is not negative, found " + forgetUnfinishedAfter);
    }
  }

  /**
   * The prefix {@value #DEFAULT_PREFIX}, unfinished records kept until settled, waiters woken, and
   * a warning about eviction.
   *
   * @return the settings
   */
  public static RedisSettings defaults() {
    return new RedisSettings(DEFAULT_PREFIX, Duration.ZERO, true, false);
  }

  /**
   * The same settings with another prefix.
   *
   * @param prefix what every key begins with
   * @return a copy
   */
  public RedisSettings withPrefix(String prefix) {
    return new RedisSettings(prefix, forgetUnfinishedAfter, wakeWaiters, requireNoEviction);
  }

  /**
   * The same settings with another bound for records without an outcome.
   *
   * @param forgetUnfinishedAfter how long after its lease such a record is kept; zero for ever
   * @return a copy
   */
  public RedisSettings withForgetUnfinishedAfter(Duration forgetUnfinishedAfter) {
    return new RedisSettings(prefix, forgetUnfinishedAfter, wakeWaiters, requireNoEviction);
  }

  /**
   * The same settings, with or without waking those who wait.
   *
   * @param wakeWaiters whether they are told
   * @return a copy
   */
  public RedisSettings withWakeWaiters(boolean wakeWaiters) {
    return new RedisSettings(prefix, forgetUnfinishedAfter, wakeWaiters, requireNoEviction);
  }

  /**
   * The same settings, refusing or only warning about a server that may evict keys.
   *
   * @param requireNoEviction whether such a server is refused
   * @return a copy
   */
  public RedisSettings withRequireNoEviction(boolean requireNoEviction) {
    return new RedisSettings(prefix, forgetUnfinishedAfter, wakeWaiters, requireNoEviction);
  }
}
