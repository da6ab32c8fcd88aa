package io.idem.jdbc.internal;

import io.idem.core.store.LogPositions.Partition;
import io.idem.core.store.LogPositions.Position;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The statements of a table of positions, which no database wants otherwise. Thread-safe. */
public final class PositionTable {

  private static final String OF_PARTITION =
      " WHERE reader = ? AND log_name = ? AND partition_number = ?";

  private final DialectSpec dialect;
  private final int timeoutSeconds;
  private final String read;
  private final String insert;
  private final String advance;

  /**
   * Makes the statements.
   *
   * @param dialect the database
   * @param table the table
   * @param queryTimeout how long a statement may take; zero for no limit
   */
  public PositionTable(DialectSpec dialect, TableName table, Duration queryTimeout) {
    this.dialect = dialect;
    this.timeoutSeconds =
        dialect.queryTimeouts() == DialectSpec.QueryTimeouts.NONE
            ? 0
            : (int) Math.min(Binder.ceilDiv(queryTimeout.toMillis(), 1000), Integer.MAX_VALUE);
    this.read = "SELECT incarnation, next_offset FROM " + table.value() + OF_PARTITION;
    this.insert =
        "INSERT INTO "
            + table.value()
            + " (reader, log_name, partition_number, incarnation, next_offset)"
            + " VALUES (?, ?, ?, ?, ?)";
    this.advance =
        "UPDATE "
            + table.value()
            + " SET next_offset = ?"
            + OF_PARTITION
            + " AND incarnation = ? AND next_offset = ?";
  }

  /**
   * Reads a position.
   *
   * @param connection the database
   * @param partition whose
   * @return what is there; null if nothing
   * @throws SQLException if the database fails
   */
  public @Nullable Position read(Connection connection, Partition partition) throws SQLException {
    try (PreparedStatement statement = prepare(connection, read)) {
      bind(statement, 1, partition);
      try (ResultSet result = statement.executeQuery()) {
        return result.next() ? new Position(result.getString(1), result.getLong(2)) : null;
      }
    }
  }

  /**
   * Writes a position that is not there yet.
   *
   * @param connection the database, in a transaction that ends with this if it fails
   * @param partition whose
   * @param position what is written
   * @throws SQLException if the database fails; see {@link #isThere}
   */
  public void insert(Connection connection, Partition partition, Position position)
      throws SQLException {
    try (PreparedStatement statement = prepare(connection, insert)) {
      bind(statement, 1, partition);
      statement.setString(4, position.incarnation());
      statement.setLong(5, position.next());
      statement.executeUpdate();
    }
  }

  /**
   * Whether an insert failed because a row of its key is there.
   *
   * @param e what it threw
   * @return true if so
   */
  public boolean isThere(SQLException e) {
    String state = e.getSQLState();
    return dialect.errors().duplicate(e) || (state != null && state.startsWith("23"));
  }

  /**
   * Moves a position, if it is where it is believed to be. What was committed while the statement
   * waited for another of the same row is compared, not what was there when it began.
   *
   * @param connection the database, in the transaction of the effects
   * @param partition whose
   * @param from where it is believed to be
   * @param next where it is moved to
   * @return false if it is elsewhere
   * @throws SQLException if the database fails
   */
  public boolean advance(Connection connection, Partition partition, Position from, long next)
      throws SQLException {
    try (PreparedStatement statement = prepare(connection, advance)) {
      statement.setLong(1, next);
      bind(statement, 2, partition);
      statement.setString(5, from.incarnation());
      statement.setLong(6, from.next());
      return statement.executeUpdate() == 1;
    }
  }

  /**
   * Whether the database wants the transaction rolled back, and run again.
   *
   * @param e what it threw
   * @return true if so
   */
  public boolean isConflict(SQLException e) {
    return dialect.errors().conflict(e) || dialect.errors().lockTimeout(e);
  }

  private PreparedStatement prepare(Connection connection, String sql) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    if (timeoutSeconds > 0) {
      try {
        statement.setQueryTimeout(timeoutSeconds);
      } catch (SQLException e) {
        statement.close();
        throw e;
      }
    }
    return statement;
  }

  private static void bind(PreparedStatement statement, int first, Partition partition)
      throws SQLException {
    statement.setString(first, partition.reader());
    statement.setString(first + 1, partition.log());
    statement.setInt(first + 2, partition.number());
  }
}
