package io.idem.audit;

import static io.idem.audit.Classification.idempotent;
import static io.idem.audit.Classification.unknown;

import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import net.sf.jsqlparser.statement.Statement;

/**
 * Tells whether SQL is naturally idempotent, from its text and the unique keys of its tables alone:
 * whether a second execution, with the same parameters and nothing in between, changes anything
 * more.
 *
 * <p>It reads the dialects of PostgreSQL and of MySQL, MariaDB and H2 as far as JSqlParser does.
 * What cannot be read, is too long or takes too long is {@link Verdict#UNKNOWN}. Triggers, rules,
 * views and column defaults are not seen. Thread-safe; it never throws on any text.
 */
public final class StatementClassifier {

  private static final Pattern TRANSACTION =
      Pattern.compile(
          "(?is)(begin(\\s+(work|transaction|isolation\\b[\\w\\s,]*|read\\b[\\w\\s,]*))?"
              + "|start\\s+transaction\\b[\\w\\s,]*|commit(\\s+\\w+)?|end(\\s+\\w+)?|abort"
              + "|release\\s+(savepoint\\s+)?[\\w\"]+|set\\s+(session\\s+)?transaction\\b[\\w\\s,]*)");

  private static final Pattern SESSION =
      Pattern.compile(
          "(?is)(set\\s+(session\\s+|local\\s+)?[\\w.]+\\s*+(=|to)\\s*+['\\w, \"$-]+"
              + "|unlock\\s+tables|discard\\s+\\w+|reset\\s+[\\w.]+)");

  private static final Pattern CALL = Pattern.compile("(?is)\\{.*\\bcall\\b.*\\}");

  private final StatementRules rules;
  private final Parser parser;
  private final int maxLength;
  private final Map<String, Classification> known;

  private StatementClassifier(Builder settings) {
    this.rules = new StatementRules(settings.keys, Set.copyOf(settings.harmless));
    this.parser = new Parser(settings.timeout);
    this.maxLength = settings.maxLength;
    int cached = settings.cached;
    this.known =
        new LinkedHashMap<>(64, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<String, Classification> eldest) {
            return size() > cached;
          }
        };
  }

  /**
   * A classifier that knows no unique keys.
   *
   * @return the classifier
   */
  public static StatementClassifier create() {
    return builder().build();
  }

  /**
   * Starts the settings of a classifier.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Classifies a statement.
   *
   * @param sql the text, with or without parameters
   * @return what is known of it; {@link Verdict#UNKNOWN} if it cannot be read
   */
  public Classification classify(String sql) {
    if (sql.length() > maxLength) {
      return unknown(StatementKind.UNREADABLE, "it is longer than " + maxLength + " characters");
    }
    synchronized (known) {
      Classification cached = known.get(sql);
      if (cached != null) {
        return cached;
      }
    }
    Classification classification = read(sql);
    synchronized (known) {
      known.put(sql, classification);
    }
    return classification;
  }

  /** Looks at a statement again, because more is known of unique keys. */
  Classification again(String sql) {
    synchronized (known) {
      known.remove(sql);
    }
    return classify(sql);
  }

  /** Without what would let the patterns share blanks out in too many ways. */
  private static String bare(String sql) {
    String bare = sql.strip();
    return bare.endsWith(";") ? bare.substring(0, bare.length() - 1).stripTrailing() : bare;
  }

  private Classification read(String sql) {
    String bare = bare(sql);
    if (TRANSACTION.matcher(bare).matches()) {
      return idempotent(StatementKind.TRANSACTION_CONTROL, "it changes no row by itself");
    }
    if (SESSION.matcher(bare).matches()) {
      return idempotent(StatementKind.SESSION, "it changes nothing but the session");
    }
    if (CALL.matcher(sql.strip()).matches()) {
      return unknown(StatementKind.CALL, "what the procedure does is not known");
    }
    if (sql.contains("/*!") || sql.contains("/*M!")) {
      return unknown(StatementKind.UNREADABLE, "it has a comment that some databases execute");
    }
    boolean escapes = sql.contains("\\'") || sql.contains("\\\"");
    Classification plain = parser.read(sql, false, read -> calling(sql, read, rules.of(read)));
    if (!escapes) {
      return plain;
    }
    // Where a string ends depends on the database, and its settings.
    Classification escaped = parser.read(sql, true, read -> calling(sql, read, rules.of(read)));
    return escaped.verdict() == plain.verdict() && escaped.kind() == plain.kind()
        ? escaped
        : unknown(
            StatementKind.UNREADABLE, "where its strings end depends on the database's settings");
  }

  /** A net under the rules: what looks like a call of something unknown may be one. */
  private static Classification calling(String sql, List<Statement> read, Classification found) {
    if (!found.isIdempotent() || found.kind() == StatementKind.DDL) {
      return found;
    }
    if (CallText.mayBeNoComment(sql)) {
      return unknown(StatementKind.UNREADABLE, "where its comments begin depends on the database");
    }
    return CallText.unknownIn(
            sql, StatementRules.callsIn(read), found.kind() != StatementKind.QUERY)
        .map(why -> unknown(StatementKind.SIDE_EFFECT, why))
        .orElse(found);
  }

  /** Collects the settings of a classifier. Not thread-safe. */
  public static final class Builder {

    private UniqueKeys keys = UniqueKeys.none();
    private final Set<String> harmless = new TreeSet<>();
    private int maxLength = 20_000;
    private int cached = 2_000;
    private Duration timeout = Duration.ofSeconds(2);

    private Builder() {}

    /**
     * The unique keys of tables, which tell whether an insert is refused a second time.
     *
     * @param keys none are known by default
     * @return this
     */
    public Builder uniqueKeys(UniqueKeys keys) {
      this.keys = keys;
      return this;
    }

    /**
     * Columns that may differ after a repeat without harm, such as {@code updated_at}: what is
     * written to them is not looked at.
     *
     * @param columns their names, without quotes, in any case; none by default
     * @return this
     */
    public Builder harmlessColumns(Collection<String> columns) {
      columns.forEach(column -> harmless.add(column.toLowerCase(Locale.ROOT)));
      return this;
    }

    /**
     * The longest statement that is read.
     *
     * @param characters at least 1; 20 000 by default
     * @return this
     */
    public Builder maxLength(int characters) {
      this.maxLength = positive("longest statement", characters);
      return this;
    }

    /**
     * How many statements are remembered; those asked for longest ago are forgotten.
     *
     * @param statements at least 1; 2 000 by default
     * @return this
     */
    public Builder remembered(int statements) {
      this.cached = positive("number of remembered statements", statements);
      return this;
    }

    /**
     * How long reading a statement may take.
     *
     * @param timeout more than zero; 2 seconds by default
     * @return this
     */
    public Builder timeout(Duration timeout) {
      if (timeout.isZero() || timeout.isNegative()) {
        throw new IllegalArgumentException("The timeout is more than zero, found " + timeout);
      }
      this.timeout = timeout;
      return this;
    }

    /**
     * Makes the classifier.
     *
     * @return the classifier
     */
    public StatementClassifier build() {
      return new StatementClassifier(this);
    }

    private static int positive(String what, int value) {
      if (value < 1) {
        throw new IllegalArgumentException("The " + what + " is at least 1, found " + value);
      }
      return value;
    }
  }
}
