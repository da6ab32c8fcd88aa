package io.idem.jdbc;

import io.idem.core.store.LogPositions;
import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.internal.Failures;
import io.idem.jdbc.internal.PositionTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Positions of readers in a table of the database of their effects.
 *
 * <p>The scripts of the table lie in {@code io/idem/jdbc/schema}, in folders whose names end in
 * {@code -positions}; {@link #schema} creates and checks it. To advance a position is one update
 * within the transaction of the effects, at its end. It waits for a rival that is about to commit,
 * and for nobody else. Thread-safe.
 */
public final class JdbcLogPositions implements LogPositions {

  /** The default table. */
  public static final String DEFAULT_TABLE = "idem_log_position";

  private final JdbcTransactions transactions;
  private final PositionTable table;

  /**
   * Positions in the table {@value #DEFAULT_TABLE}, in transactions of their own.
   *
   * @param dataSource where connections come from
   * @throws IllegalStateException if the database is not one that Idem knows
   * @throws StoreUnavailableException if the database cannot be reached
   */
  public JdbcLogPositions(DataSource dataSource) {
    this(
        JdbcTransactions.of(dataSource),
        Dialect.of(dataSource),
        DEFAULT_TABLE,
        JdbcSettings.DEFAULT_QUERY_TIMEOUT);
  }

  /**
   * Creates positions.
   *
   * @param transactions how transactions are run: those that an inbox is given as well, if one is
   *     to commit with a position, and {@link JdbcTransactions#nesting} without a framework
   * @param dialect which database they run on
   * @param table the table, optionally after its schema and a dot; plain identifiers only
   * @param queryTimeout how long a statement may take; zero for no limit. Not on H2
   * @throws IllegalArgumentException if the table is no plain identifier or the timeout is negative
   */
  public JdbcLogPositions(
      JdbcTransactions transactions, Dialect dialect, String table, Duration queryTimeout) {
    JdbcSettings settings = JdbcSettings.defaults().withTable(table).withQueryTimeout(queryTimeout);
    this.transactions = transactions;
    this.table = new PositionTable(dialect.spec(), settings.tableName(), queryTimeout);
  }

  /**
   * The schema of the table {@value #DEFAULT_TABLE}.
   *
   * @param dataSource where connections come from
   * @return to create or check the table; see {@link JdbcSchema#ofPositions} for other names
   * @throws IllegalStateException if the database is not one that Idem knows
   * @throws StoreUnavailableException if the database cannot be reached
   */
  public static JdbcSchema schema(DataSource dataSource) {
    return JdbcSchema.ofPositions(dataSource, Dialect.of(dataSource), DEFAULT_TABLE);
  }

  @Override
  public Map<Partition, Position> read(Collection<Partition> partitions) {
    return transactions.inTransaction(
        transaction -> {
          Map<Partition, Position> positions = new HashMap<>();
          for (Partition partition : partitions) {
            Position position = read(transaction, partition);
            if (position != null) {
              positions.put(partition, position);
            }
          }
          return positions;
        });
  }

  private @Nullable Position read(JdbcTransactions.Transaction transaction, Partition partition) {
    try {
      return table.read(transaction.connection(), partition);
    } catch (SQLException e) {
      throw Failures.inTransaction("Reading a position", e, table.isConflict(e));
    }
  }

  @Override
  public Position begin(Partition partition, Position position) {
    try {
      return transactions.inTransaction(transaction -> inserted(transaction, partition, position));
    } catch (AlreadyThere e) {
      Position known = read(List.of(partition)).get(partition);
      if (known == null) {
        throw new StoreUnavailableException("A position that was in the way has gone", e);
      }
      return known;
    }
  }

  private Position inserted(
      JdbcTransactions.Transaction transaction, Partition partition, Position position) {
    try {
      table.insert(transaction.connection(), partition, position);
      return position;
    } catch (SQLException e) {
      if (table.isThere(e)) {
        throw new AlreadyThere(e);
      }
      throw Failures.inTransaction("Writing a first position", e, table.isConflict(e));
    }
  }

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
      throws X {
    return transactions.inTransaction(
        transaction -> {
          JdbcScope scope = new JdbcScope(transaction);
          try {
            R result = work.run(scope);
            if (transaction.isRollbackOnly() && !scope.lost) {
              throw new StoreUnavailableException(
                  "The transaction can only be rolled back: what ran inside of it asked for that",
                  null);
            }
            return result;
          } finally {
            scope.ended = true;
          }
        });
  }

  /** One transaction on one connection. */
  private final class JdbcScope implements Scope {

    private final JdbcTransactions.Transaction transaction;
    private boolean lost;
    private boolean ended;

    JdbcScope(JdbcTransactions.Transaction transaction) {
      this.transaction = transaction;
      ScopeConnections.requireTransaction(transaction.connection());
    }

    @Override
    public boolean advance(Partition partition, Position from, long next) {
      if (next <= from.next()) {
        throw new IllegalArgumentException(
            "A position moves forwards, not from " + from.next() + " to " + next);
      }
      transaction.flush();
      try {
        if (table.advance(connection(), partition, from, next)) {
          return true;
        }
      } catch (SQLException e) {
        transaction.setRollbackOnly();
        if (Failures.isAborted(e)) {
          throw Failures.refused("Advancing a position", e);
        }
        throw Failures.inTransaction("Advancing a position", e, table.isConflict(e));
      }
      lost = true;
      transaction.setRollbackOnly();
      return false;
    }

    @Override
    public <C> C unwrap(Class<C> type) {
      return ScopeConnections.unwrap(connection(), type);
    }

    private Connection connection() {
      if (ended) {
        throw new IllegalStateException("The transaction's work has returned: its scope is over");
      }
      return transaction.connection();
    }
  }

  /** A position is there already, and the transaction that met it is rolled back. */
  private static final class AlreadyThere extends RuntimeException {

    private static final long serialVersionUID = 1L;

    AlreadyThere(SQLException cause) {
      super(cause);
    }
  }
}
