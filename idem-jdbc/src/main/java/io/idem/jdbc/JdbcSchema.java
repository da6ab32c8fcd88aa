package io.idem.jdbc;

import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.internal.FailedTransaction;
import io.idem.jdbc.internal.Failures;
import io.idem.jdbc.internal.SchemaScript;
import io.idem.jdbc.internal.SessionBound;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The table that records are kept in, or that of positions: checked, created, or shown for a
 * migration tool.
 *
 * <p>The scripts lie in {@code io/idem/jdbc/schema}, one folder for each dialect, under names that
 * Flyway understands. The table's comment carries the version of its schema. Thread-safe.
 */
public final class JdbcSchema {

  private static final int MAX_TRIES = 20;

  private final DataSource dataSource;
  private final Dialect dialect;
  private final JdbcSettings settings;
  private final SchemaScript script;

  /**
   * Looks at the schema of a database.
   *
   * @param dataSource where connections come from
   * @param settings how records are kept
   * @throws IllegalStateException if the database is not one that Idem knows
   * @throws StoreUnavailableException if the database cannot be reached
   */
  public JdbcSchema(DataSource dataSource, JdbcSettings settings) {
    this(dataSource, Dialect.of(dataSource), settings);
  }

  /**
   * Looks at the schema of a database that is known, without connecting to it.
   *
   * @param dataSource where connections come from
   * @param dialect which database it is
   * @param settings how records are kept
   */
  public JdbcSchema(DataSource dataSource, Dialect dialect, JdbcSettings settings) {
    dialect.requireSupport(settings);
    this.dataSource = dataSource;
    this.dialect = dialect;
    this.settings = settings;
    this.script =
        new SchemaScript(dialect.spec(), settings.tableName(), settings.partitioning() != null);
  }

  private JdbcSchema(
      DataSource dataSource, Dialect dialect, JdbcSettings settings, SchemaScript script) {
    this.dataSource = dataSource;
    this.dialect = dialect;
    this.settings = settings;
    this.script = script;
  }

  /**
   * Looks at the table of a {@link JdbcLogPositions}.
   *
   * @param dataSource where connections come from
   * @param dialect which database it is
   * @param table the table, such as {@value JdbcLogPositions#DEFAULT_TABLE}
   * @return its schema
   * @throws IllegalArgumentException if the table is no plain identifier
   */
  public static JdbcSchema ofPositions(DataSource dataSource, Dialect dialect, String table) {
    JdbcSettings settings = JdbcSettings.defaults().withTable(table);
    return new JdbcSchema(
        dataSource,
        dialect,
        settings,
        SchemaScript.ofPositions(dialect.spec(), settings.tableName()));
  }

  /**
   * Makes sure that the table is there and of this version, and that connections bound the wait of
   * claims if they are to.
   *
   * @throws IllegalStateException if it is not; the message names the fix
   * @throws StoreUnavailableException if the database cannot say
   */
  public void check() {
    Integer installed = installed();
    if (installed == null) {
      throw new IllegalStateException(
          "The database has no table "
              + settings.table()
              + " made by Idem. Run "
              + script.resource()
              + " from idem-jdbc.jar with your migration tool, or let Idem create it"
              + " (JdbcSchema.createIfAbsent()); if the table has another name, say so in its"
              + " JdbcSettings");
    }
    if (installed != SchemaScript.VERSION) {
      throw new IllegalStateException(
          "The table "
              + settings.table()
              + " has schema version "
              + installed
              + ", this version of Idem needs "
              + SchemaScript.VERSION
              + (installed < SchemaScript.VERSION
                  ? ": run the scripts up to " + script.resource() + " from idem-jdbc.jar"
                  : ": use the version of Idem that made it, or a later one"));
    }
    if (!Boolean.TRUE.equals(asked("Looking at the layout of the table ", script::hasLayout))) {
      throw new IllegalStateException(
          "The table "
              + settings.table()
              + (settings.partitioning() == null
                  ? " is partitioned, which its JdbcSettings do not say: add withPartitioning(…)"
                  : " is not partitioned, as its JdbcSettings say: leave the partitioning out, or"
                      + " use another table, made by "
                      + script.resource()));
    }
    if (settings.lockWait() == LockWait.OF_SESSION) {
      asked("Looking at the connections to the table ", SessionBound::require);
    }
  }

  /**
   * Creates the table unless it is there, and the partitions of keys to come if it has such.
   * Several nodes may do so at once.
   *
   * @throws IllegalStateException if it is there and of another version
   * @throws StoreUnavailableException if the database fails, if its user may not create tables, or
   *     if a table of this name is there that is not Idem's
   */
  public void createIfAbsent() {
    for (int attempt = 1; attempt <= MAX_TRIES && installed() == null; attempt++) {
      try {
        JdbcTransactions.of(dataSource).inTransaction(this::create);
      } catch (StoreUnavailableException e) {
        if (attempt == MAX_TRIES || !script.isRepeatable()) {
          throw e;
        }
        // Another node may be creating it just now: the script goes on where that one is.
      }
    }
    check();
    PartitionedPurge partitions =
        PartitionedPurge.of(JdbcTransactions.of(dataSource), dialect, settings);
    if (partitions != null) {
      partitions.createAhead();
    }
  }

  /**
   * The statements that create the table under its configured name.
   *
   * @return the DDL
   */
  public String ddl() {
    return script.text();
  }

  /**
   * Where the statements for the default table lie on the class path.
   *
   * @return the path, without a leading slash
   */
  public String resource() {
    return script.resource();
  }

  private boolean create(JdbcTransactions.Transaction transaction) {
    try {
      script.run(transaction.connection());
      return true;
    } catch (SQLException e) {
      throw Failures.unavailable(
          "Creating the table " + settings.table() + " from " + script.resource(), e);
    }
  }

  private @Nullable Integer installed() {
    return asked("Looking for the table ", script::installedVersion);
  }

  private <R> @Nullable R asked(String what, Question<R> question) {
    try (Connection connection = dataSource.getConnection()) {
      // As for the question which database it is, see Dialect. Here others begin one as well.
      boolean begins = !connection.getAutoCommit() && !FailedTransaction.isOpen(connection);
      try {
        return question.ask(connection);
      } finally {
        if (begins) {
          Failures.endQuestion(connection);
        }
      }
    } catch (SQLException e) {
      throw Failures.unavailable(what + settings.table(), e);
    }
  }

  @FunctionalInterface
  private interface Question<R> {
    @Nullable R ask(Connection connection) throws SQLException;
  }
}
