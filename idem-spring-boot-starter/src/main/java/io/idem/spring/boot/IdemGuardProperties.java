package io.idem.spring.boot;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/** The properties {@code idem.guard.*}. */
@ConfigurationProperties("idem.guard")
public class IdemGuardProperties {

  /** Whether business guards that join Spring's transactions are made. */
  private boolean enabled = true;

  /**
   * The name of the DataSource bean that holds the guarded rows, where there are several. By
   * default that of idem.jdbc.data-source.
   */
  private @Nullable String dataSource;

  /** The name of the transaction manager bean of that DataSource, where there are several. */
  private @Nullable String transactionManager;

  /** Whether what guards throw is answered with problem details over HTTP. */
  private boolean problems = true;

  /** Creates the properties with their defaults. */
  public IdemGuardProperties() {}

  /**
   * Whether guards are made.
   *
   * @return true by default
   */
  public boolean isEnabled() {
    return enabled;
  }

  /**
   * Sets whether guards are made.
   *
   * @param enabled false to make none
   */
  public void setEnabled(boolean enabled) {
    this.enabled = enabled;
  }

  /**
   * The name of the DataSource bean that holds the guarded rows.
   *
   * @return the name, or null for that of the records, or the only or primary one
   */
  public @Nullable String getDataSource() {
    return dataSource;
  }

  /**
   * Sets the DataSource bean that holds the guarded rows.
   *
   * @param dataSource the bean's name
   */
  public void setDataSource(@Nullable String dataSource) {
    this.dataSource = dataSource;
  }

  /**
   * The name of the transaction manager bean of that DataSource.
   *
   * @return the name, or null for the one that works on it
   */
  public @Nullable String getTransactionManager() {
    return transactionManager;
  }

  /**
   * Sets the transaction manager bean of that DataSource.
   *
   * @param transactionManager the bean's name
   */
  public void setTransactionManager(@Nullable String transactionManager) {
    this.transactionManager = transactionManager;
  }

  /**
   * Whether what guards throw is answered with problem details.
   *
   * @return true by default
   */
  public boolean isProblems() {
    return problems;
  }

  /**
   * Sets whether what guards throw is answered with problem details.
   *
   * @param problems false to leave them to the application's own handlers
   */
  public void setProblems(boolean problems) {
    this.problems = problems;
  }
}
