package io.idem.audit;

import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects statements that ran outside any operation although a repeat of them may have an effect
 * of its own: each statement once for each place it came from, without its literals. For tests and
 * staging, behind an {@link AuditingDataSource}. Bounded and thread-safe; it fails no statement.
 */
public final class StatementAudit {

  private static final Logger log = LoggerFactory.getLogger("io.idem.audit");

  private final OperationTracker operations;
  private final StatementClassifier classifier;
  private final Function<UniqueKeys, StatementClassifier> classifiers;
  private final CallSites callSites;
  private final Set<StatementKind> accepted;
  private final boolean reportUnknown;
  private final int maxFindings;
  private final Map<Place, Found> found = new LinkedHashMap<>();
  private final LongAdder seen = new LongAdder();
  private final LongAdder outside = new LongAdder();
  private final LongAdder dropped = new LongAdder();

  private StatementAudit(Builder settings) {
    this.operations = settings.operations;
    UniqueKeys declared = settings.keys;
    List<String> harmless = List.copyOf(settings.harmless);
    this.classifiers =
        keys ->
            StatementClassifier.builder()
                .uniqueKeys(declared.orElse(keys))
                .harmlessColumns(harmless)
                .build();
    this.classifier = classifiers.apply(UniqueKeys.none());
    this.callSites = new CallSites(settings.frameworks);
    this.accepted = EnumSet.noneOf(StatementKind.class);
    this.accepted.addAll(settings.accepted);
    this.reportUnknown = settings.reportUnknown;
    this.maxFindings = settings.maxFindings;
  }

  private record Place(String method, StatementKind kind, String sql) {}

  private static final class Found {

    final CallSite callSite;
    final Classification classification;
    long times;

    Found(CallSite callSite, Classification classification) {
      this.callSite = callSite;
      this.classification = classification;
    }
  }

  /** What is to be noted of a statement once it has run; without literals. */
  record Judged(String sql, Classification classification, CallSite callSite) {}

  /**
   * Starts the settings of an audit.
   *
   * @param operations knows what is inside an operation; the engine's listener
   * @return a builder
   */
  public static Builder builder(OperationTracker operations) {
    return new Builder(operations);
  }

  /** What is known of one more data source. */
  AuditedSource source() {
    return new AuditedSource(this, classifiers);
  }

  /** Looks at a statement that is about to run. Null if there is nothing to say of it. */
  @Nullable Judged judge(String sql, Connection connection, AuditedSource source) {
    seen.increment();
    if (operations.isInside()) {
      return null;
    }
    outside.increment();
    Classification classification = source.refined(sql, classifier.classify(sql), connection);
    if (classification.isIdempotent()
        || accepted.contains(classification.kind())
        || (classification.verdict() == Verdict.UNKNOWN && !reportUnknown)) {
      return null;
    }
    CallSite callSite = callSites.find();
    return callSite == null
        ? null
        : new Judged(Masked.sql(sql), Masked.classification(classification), callSite);
  }

  /** Notes a statement that has run. */
  void note(Judged judged) {
    synchronized (found) {
      Place place =
          new Place(judged.callSite().method(), judged.classification().kind(), judged.sql());
      Found known = found.get(place);
      if (known != null) {
        known.times++;
        return;
      }
      if (found.size() >= maxFindings) {
        dropped.increment();
        return;
      }
      Found first = new Found(judged.callSite(), judged.classification());
      first.times = 1;
      found.put(place, first);
    }
    log.warn(
        "A statement that is {} ran outside any idempotent operation at {}: {}. {}",
        judged.classification().verdict() == Verdict.UNKNOWN
            ? "not known to be idempotent"
            : "not idempotent",
        judged.callSite(),
        judged.classification().reason(),
        judged.sql().strip());
  }

  /**
   * What was found until now, ordered by place and text. Literals of the texts are question marks,
   * and texts that differ in nothing else are one.
   *
   * @return a copy
   */
  public List<StatementFinding> findings() {
    List<StatementFinding> findings = new ArrayList<>();
    synchronized (found) {
      found.forEach(
          (place, each) ->
              findings.add(
                  new StatementFinding(
                      each.callSite, place.sql(), each.classification, each.times)));
    }
    findings.sort(
        Comparator.comparing((StatementFinding finding) -> finding.callSite().method())
            .thenComparing(StatementFinding::sql));
    return findings;
  }

  /**
   * How many statements ran, inside operations and outside.
   *
   * @return the number; one for each execution, and for each statement of a batch that is not a row
   *     of a prepared one
   */
  public long statementsSeen() {
    return seen.sum();
  }

  /**
   * How many statements ran outside any operation, whatever they are.
   *
   * @return the number
   */
  public long statementsOutside() {
    return outside.sum();
  }

  /**
   * How many executions were not noted because as many findings are kept as may be.
   *
   * @return the number; zero unless {@link Builder#maxFindings} is too small
   */
  public long dropped() {
    return dropped.sum();
  }

  /** Forgets the findings, not what is known of statements. */
  public void clear() {
    synchronized (found) {
      found.clear();
    }
  }

  /** Collects the settings of an audit. Not thread-safe. */
  public static final class Builder {

    private final OperationTracker operations;
    private UniqueKeys keys = UniqueKeys.none();
    private Collection<String> harmless = List.of();
    private List<String> frameworks = List.of();
    private Collection<StatementKind> accepted = Set.of(StatementKind.SEQUENCE);
    private boolean reportUnknown;
    private int maxFindings = 1_000;

    private Builder(OperationTracker operations) {
      this.operations = operations;
    }

    /**
     * Unique keys that are known beforehand. Those of other tables are read from the database, when
     * a statement first needs them, on the connection that runs it.
     *
     * @param keys none by default
     * @return this
     */
    public Builder uniqueKeys(UniqueKeys keys) {
      this.keys = keys;
      return this;
    }

    /**
     * Columns that may differ after a repeat without harm, such as {@code updated_at}.
     *
     * @param columns none by default
     * @return this
     */
    public Builder harmlessColumns(Collection<String> columns) {
      this.harmless = List.copyOf(columns);
      return this;
    }

    /**
     * Beginnings of the names of classes that send statements for others, besides those of JDBC,
     * pools, Spring, Hibernate, MyBatis, jOOQ and the like: they are never the place that a
     * statement came from.
     *
     * @param prefixes such as {@code com.acme.persistence.}
     * @return this
     */
    public Builder frameworks(Collection<String> prefixes) {
      this.frameworks = List.copyOf(prefixes);
      return this;
    }

    /**
     * Kinds that are never reported.
     *
     * @param kinds {@link StatementKind#SEQUENCE} alone by default
     * @return this
     */
    public Builder accepting(Collection<StatementKind> kinds) {
      this.accepted = Set.copyOf(kinds);
      return this;
    }

    /**
     * Reports also what is not known to be idempotent.
     *
     * @param reportUnknown false by default
     * @return this
     */
    public Builder reportUnknown(boolean reportUnknown) {
      this.reportUnknown = reportUnknown;
      return this;
    }

    /**
     * How many findings are kept.
     *
     * @param maxFindings at least 1; 1 000 by default
     * @return this
     */
    public Builder maxFindings(int maxFindings) {
      if (maxFindings < 1) {
        throw new IllegalArgumentException("At least 1 finding is kept, found " + maxFindings);
      }
      this.maxFindings = maxFindings;
      return this;
    }

    /**
     * Makes the audit.
     *
     * @return the audit
     */
    public StatementAudit build() {
      return new StatementAudit(this);
    }
  }
}
