package io.idem.spring.boot;

import io.idem.core.FallbackPolicy;
import org.jspecify.annotations.Nullable;

/** The properties {@code idem.failover.*}. */
public class IdemFailoverProperties {

  /** The second store, which leased operations go on with while the first is down. */
  private Fallback fallback = Fallback.NONE;

  /** Whether keys are granted while the fallback is down. Read what that gives up. */
  private FallbackPolicy policy = FallbackPolicy.REQUIRED;

  /**
   * The name of the DataSource bean of a fallback in a database. By default that of idem.jdbc,
   * where the first store is not in it.
   */
  private @Nullable String dataSource;

  /** Creates the properties with their defaults. */
  public IdemFailoverProperties() {}

  /**
   * The second store.
   *
   * @return none by default
   */
  public Fallback getFallback() {
    return fallback;
  }

  /**
   * Sets the second store.
   *
   * @param fallback the kind of store
   */
  public void setFallback(Fallback fallback) {
    this.fallback = fallback;
  }

  /**
   * Whether keys are granted while the fallback is down.
   *
   * @return required by default: they are not
   */
  public FallbackPolicy getPolicy() {
    return policy;
  }

  /**
   * Sets whether keys are granted while the fallback is down.
   *
   * @param policy the policy
   */
  public void setPolicy(FallbackPolicy policy) {
    this.policy = policy;
  }

  /**
   * The name of the DataSource bean of a fallback in a database.
   *
   * @return the name, or null for that of {@code idem.jdbc}
   */
  public @Nullable String getDataSource() {
    return dataSource;
  }

  /**
   * Sets the DataSource bean of a fallback in a database.
   *
   * @param dataSource the name of the bean
   */
  public void setDataSource(@Nullable String dataSource) {
    this.dataSource = dataSource;
  }

  /** What a second store is made of. */
  public enum Fallback {
    /** There is none. */
    NONE,
    /** A table of a relational database, with the properties of idem.jdbc. */
    JDBC,
    /** Redis, with the properties of idem.redis. */
    REDIS
  }
}
