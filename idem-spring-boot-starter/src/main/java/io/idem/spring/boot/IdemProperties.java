package io.idem.spring.boot;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.NestedConfigurationProperty;

/** The properties {@code idem.*}. */
@ConfigurationProperties("idem")
public class IdemProperties {

  /**
   * Whether Idem is set up. If not, nothing protects the methods that are annotated as Idempotent.
   */
  private boolean enabled = true;

  /**
   * What separates this application's keys from those of others in the same store. It is part of
   * every key's identity: a change of it makes all stored keys unknown. That is why it does not
   * default to the application's name.
   */
  private String namespace = "";

  /** Where keys are kept. */
  private Store store = Store.AUTO;

  /** How long an outcome is kept after completion, where an operation does not say. */
  private Duration retention = Duration.ofHours(24);

  /**
   * How long a claim of a leased operation holds without renewal, where the operation does not say.
   */
  private Duration lease = Duration.ofSeconds(30);

  /** How long a repeat waits for the running call, where an operation does not say. */
  private Duration waitAtMost = Duration.ofSeconds(5);

  /** How many callers may wait for running calls at once. More are turned away as busy. */
  private int maxWaiters = 16_384;

  /**
   * How many threads ask a store that blocks on behalf of asynchronous calls. At least one. Stores
   * that are asked without threads, as Redis is, need none.
   */
  private int blockingThreads = 32;

  /** How often expired records are deleted. Zero for never. */
  private Duration purgeEvery = Duration.ofMinutes(1);

  @NestedConfigurationProperty
  private final IdemAnswerCacheProperties answerCache = new IdemAnswerCacheProperties();

  @NestedConfigurationProperty
  private final IdemCircuitBreakerProperties circuitBreaker = new IdemCircuitBreakerProperties();

  @NestedConfigurationProperty
  private final IdemFailoverProperties failover = new IdemFailoverProperties();

  @NestedConfigurationProperty private final IdemJdbcProperties jdbc = new IdemJdbcProperties();

  @NestedConfigurationProperty private final IdemRedisProperties redis = new IdemRedisProperties();

  @NestedConfigurationProperty private final IdemHttpProperties http = new IdemHttpProperties();

  @NestedConfigurationProperty private final IdemTokenProperties tokens = new IdemTokenProperties();

  /** Creates the properties with their defaults. */
  public IdemProperties() {}

  /**
   * Whether Idem is set up.
   *
   * @return true by default
   */
  public boolean isEnabled() {
    return enabled;
  }

  /**
   * Sets whether Idem is set up.
   *
   * @param enabled false to leave everything unprotected
   */
  public void setEnabled(boolean enabled) {
    this.enabled = enabled;
  }

  /**
   * What separates this application's keys from those of others.
   *
   * @return the namespace, empty by default
   */
  public String getNamespace() {
    return namespace;
  }

  /**
   * Sets the namespace.
   *
   * @param namespace at most 200 characters
   */
  public void setNamespace(String namespace) {
    this.namespace = namespace;
  }

  /**
   * Where keys are kept.
   *
   * @return the kind of store
   */
  public Store getStore() {
    return store;
  }

  /**
   * Sets where keys are kept.
   *
   * @param store the kind of store
   */
  public void setStore(Store store) {
    this.store = store;
  }

  /**
   * How long an outcome is kept.
   *
   * @return the default of operations
   */
  public Duration getRetention() {
    return retention;
  }

  /**
   * Sets how long an outcome is kept.
   *
   * @param retention at least 1 ms
   */
  public void setRetention(Duration retention) {
    this.retention = retention;
  }

  /**
   * How long a claim holds without renewal.
   *
   * @return the default of operations
   */
  public Duration getLease() {
    return lease;
  }

  /**
   * Sets how long a claim holds without renewal.
   *
   * @param lease at least 100 ms
   */
  public void setLease(Duration lease) {
    this.lease = lease;
  }

  /**
   * How long a repeat waits.
   *
   * @return the default of operations
   */
  public Duration getWaitAtMost() {
    return waitAtMost;
  }

  /**
   * Sets how long a repeat waits.
   *
   * @param waitAtMost zero not to wait
   */
  public void setWaitAtMost(Duration waitAtMost) {
    this.waitAtMost = waitAtMost;
  }

  /**
   * How many callers may wait at once.
   *
   * @return the bound
   */
  public int getMaxWaiters() {
    return maxWaiters;
  }

  /**
   * Sets how many callers may wait at once.
   *
   * @param maxWaiters at least 0
   */
  public void setMaxWaiters(int maxWaiters) {
    this.maxWaiters = maxWaiters;
  }

  /**
   * How many threads ask a store that blocks on behalf of asynchronous calls.
   *
   * @return the bound
   */
  public int getBlockingThreads() {
    return blockingThreads;
  }

  /**
   * Sets how many threads ask a store that blocks on behalf of asynchronous calls.
   *
   * @param blockingThreads at least 1
   */
  public void setBlockingThreads(int blockingThreads) {
    this.blockingThreads = blockingThreads;
  }

  /**
   * How often expired records are deleted.
   *
   * @return the interval
   */
  public Duration getPurgeEvery() {
    return purgeEvery;
  }

  /**
   * Sets how often expired records are deleted.
   *
   * @param purgeEvery zero for never
   */
  public void setPurgeEvery(Duration purgeEvery) {
    this.purgeEvery = purgeEvery;
  }

  /**
   * The cache of completed answers.
   *
   * @return the properties {@code idem.answer-cache.*}
   */
  public IdemAnswerCacheProperties getAnswerCache() {
    return answerCache;
  }

  /**
   * The circuit breaker around the store of leased operations.
   *
   * @return the properties {@code idem.circuit-breaker.*}
   */
  public IdemCircuitBreakerProperties getCircuitBreaker() {
    return circuitBreaker;
  }

  /**
   * The fallback beside the store of leased operations.
   *
   * @return the properties {@code idem.failover.*}
   */
  public IdemFailoverProperties getFailover() {
    return failover;
  }

  /**
   * The properties of the JDBC store.
   *
   * @return the properties
   */
  public IdemJdbcProperties getJdbc() {
    return jdbc;
  }

  /**
   * The properties of the Redis store.
   *
   * @return the properties
   */
  public IdemRedisProperties getRedis() {
    return redis;
  }

  /**
   * The properties of HTTP endpoints.
   *
   * @return the properties
   */
  public IdemHttpProperties getHttp() {
    return http;
  }

  /**
   * The properties of operation tokens.
   *
   * @return the properties {@code idem.tokens.*}
   */
  public IdemTokenProperties getTokens() {
    return tokens;
  }

  /** Where keys are kept. */
  public enum Store {
    /**
     * With the data where there is a DataSource, else in Redis where idem-redis and a Lettuce
     * connection factory are there, else in memory.
     */
    AUTO,
    /** In a table of a relational database. */
    JDBC,
    /** In Redis, for leased operations only. */
    REDIS,
    /** In the memory of this process, and lost with it. */
    MEMORY
  }
}
