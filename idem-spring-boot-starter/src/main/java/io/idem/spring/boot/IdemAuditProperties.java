package io.idem.spring.boot;

import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;

/** The properties {@code idem.audit.*}. */
@ConfigurationProperties("idem.audit")
public class IdemAuditProperties {

  /** Whether the audit reports what the application exposes, where idem-audit is there. */
  private boolean enabled = true;

  /** Whether each unprotected endpoint and listener is warned of at start-up. */
  private boolean warnUnprotected;

  /**
   * Beginnings of the names of classes whose endpoints and listeners are not reported, besides
   * those of Spring and of Idem itself.
   */
  private List<String> ignoredPackages = new ArrayList<>();

  private final Statements statements = new Statements();

  /** Creates the properties with their defaults. */
  public IdemAuditProperties() {}

  /**
   * Whether the audit reports what the application exposes.
   *
   * @return true by default
   */
  public boolean isEnabled() {
    return enabled;
  }

  /**
   * Sets whether the audit reports what the application exposes.
   *
   * @param enabled false for no report
   */
  public void setEnabled(boolean enabled) {
    this.enabled = enabled;
  }

  /**
   * Whether each unprotected endpoint and listener is warned of at start-up.
   *
   * @return false by default
   */
  public boolean isWarnUnprotected() {
    return warnUnprotected;
  }

  /**
   * Sets whether each unprotected endpoint and listener is warned of at start-up.
   *
   * @param warnUnprotected true to warn
   */
  public void setWarnUnprotected(boolean warnUnprotected) {
    this.warnUnprotected = warnUnprotected;
  }

  /**
   * Whose endpoints and listeners are not reported.
   *
   * @return beginnings of the names of classes
   */
  public List<String> getIgnoredPackages() {
    return ignoredPackages;
  }

  /**
   * Sets whose endpoints and listeners are not reported.
   *
   * @param ignoredPackages beginnings of the names of classes
   */
  public void setIgnoredPackages(List<String> ignoredPackages) {
    this.ignoredPackages = ignoredPackages;
  }

  /**
   * The audit of statements.
   *
   * @return its properties
   */
  public Statements getStatements() {
    return statements;
  }

  /** The properties {@code idem.audit.statements.*}. */
  public static class Statements {

    /**
     * Whether data sources show their statements to the audit. For tests and staging: each
     * statement that is not idempotent costs a look at the stack.
     */
    private boolean enabled;

    /** Whether also statements are found that are not known to be idempotent. */
    private boolean reportUnknown;

    /** Columns that may differ after a repeat without harm, such as updated_at. */
    private List<String> harmlessColumns = new ArrayList<>();

    /** Beginnings of the names of classes that send statements for others. */
    private List<String> frameworks = new ArrayList<>();

    /** How many findings are kept. */
    private int maxFindings = 1_000;

    /** Creates the properties with their defaults. */
    public Statements() {}

    /**
     * Whether data sources show their statements to the audit.
     *
     * @return false by default
     */
    public boolean isEnabled() {
      return enabled;
    }

    /**
     * Sets whether data sources show their statements to the audit.
     *
     * @param enabled true in tests and staging
     */
    public void setEnabled(boolean enabled) {
      this.enabled = enabled;
    }

    /**
     * Whether also statements are found that are not known to be idempotent.
     *
     * @return false by default
     */
    public boolean isReportUnknown() {
      return reportUnknown;
    }

    /**
     * Sets whether also statements are found that are not known to be idempotent.
     *
     * @param reportUnknown true to find them
     */
    public void setReportUnknown(boolean reportUnknown) {
      this.reportUnknown = reportUnknown;
    }

    /**
     * Columns that may differ after a repeat without harm.
     *
     * @return their names
     */
    public List<String> getHarmlessColumns() {
      return harmlessColumns;
    }

    /**
     * Sets the columns that may differ after a repeat without harm.
     *
     * @param harmlessColumns their names, without quotes
     */
    public void setHarmlessColumns(List<String> harmlessColumns) {
      this.harmlessColumns = harmlessColumns;
    }

    /**
     * What sends statements for others.
     *
     * @return beginnings of the names of classes
     */
    public List<String> getFrameworks() {
      return frameworks;
    }

    /**
     * Sets what sends statements for others.
     *
     * @param frameworks beginnings of the names of classes
     */
    public void setFrameworks(List<String> frameworks) {
      this.frameworks = frameworks;
    }

    /**
     * How many findings are kept.
     *
     * @return the number
     */
    public int getMaxFindings() {
      return maxFindings;
    }

    /**
     * Sets how many findings are kept.
     *
     * @param maxFindings at least 1
     */
    public void setMaxFindings(int maxFindings) {
      this.maxFindings = maxFindings;
    }
  }
}
