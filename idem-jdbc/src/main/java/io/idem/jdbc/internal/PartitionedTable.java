package io.idem.jdbc.internal;

import static io.idem.jdbc.internal.Partitions.execute;
import static io.idem.jdbc.internal.Partitions.number;
import static io.idem.jdbc.internal.Partitions.text;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The upkeep of a table on PostgreSQL that is partitioned by the time inside its keys.
 *
 * <p>Each method is called in a transaction of its own that has done nothing yet, and is all or
 * nothing. None waits long for a lock, because claims would queue behind it: it fails with SQL
 * state 55P03 instead, to be tried again later.
 *
 * <ol>
 *   <li>{@link #createAhead} makes the partitions that are missing for keys to come. What of their
 *       time lies in the default partition already moves over.
 *   <li>{@link #dropPast} drops a partition whose time is past, once at most a thousand of its
 *       records are still in use: unexpired, or without an outcome. These move to the default
 *       partition by the same transaction. Writers are kept out of the partition from before the
 *       records are looked at until it is gone, so none is overlooked.
 *   <li>{@link #purgeOldest} deletes row by row what will not go with a partition.
 * </ol>
 *
 * <p>Thread-safe; errors are the driver's.
 */
public final class PartitionedTable {

  /** The most records that move between a partition and the default one under a lock. */
  private static final int MOVED = 1_000;

  private static final int LOCK_WAIT_MILLIS = 50;

  private final DialectSpec dialect;
  private final TableName table;
  private final long width;
  private final int ahead;
  private final Duration queryTimeout;

  /** For all deletions, because each of these keeps a thread for a while. */
  private final StatementTimeouts timeouts = new StatementTimeouts();

  /** The deletions of each partition that is there, whose texts are made once. */
  private final Map<TableName, ExpiredRecords> deletions = new ConcurrentHashMap<>();

  /**
   * Names the table.
   *
   * @param dialect the database
   * @param table the table
   * @param width how much of the keys' time a partition holds
   * @param ahead how many partitions there are for keys to come
   * @param queryTimeout how long a deletion may take
   */
  public PartitionedTable(
      DialectSpec dialect, TableName table, Duration width, int ahead, Duration queryTimeout) {
    this.dialect = dialect;
    this.table = table;
    this.width = Math.max(1, Math.round(width.toMillis() / (double) Partition.UNIT_MILLIS));
    this.ahead = ahead;
    this.queryTimeout = queryTimeout;
  }

  /**
   * Makes the partitions that are missing.
   *
   * @param connection the database
   * @return how many were made; zero also if another node is at it
   * @throws SQLException if the database fails
   */
  public int createAhead(Connection connection) throws SQLException {
    begin(connection);
    if (partitions(connection).missing(table, width, ahead).isEmpty() || !alone(connection)) {
      return 0;
    }
    Partitions there = partitions(connection);
    int made = 0;
    for (Partition each : there.missing(table, width, ahead)) {
      made += create(connection, each, there.rest()) ? 1 : 0;
    }
    return made;
  }

  /**
   * Drops one partition that is no longer needed.
   *
   * @param connection the database
   * @return how many records went with it; -1 if there is no such partition, or another node is at
   *     it
   * @throws SQLException if the database fails
   */
  public long dropPast(Connection connection) throws SQLException {
    begin(connection);
    Partition past = alone(connection) ? droppable(connection) : null;
    return past == null ? -1 : drop(connection, past);
  }

  /**
   * Deletes completed records past their retention from partitions that are not of time, and from
   * those of time in which they have been so for twice their width.
   *
   * @param connection the database
   * @param limit the most to delete
   * @return how many were deleted
   * @throws SQLException if the database fails
   */
  public int purgeOldest(Connection connection, int limit) throws SQLException {
    begin(connection);
    // Held to the end, it keeps partitions from being dropped meanwhile.
    execute(connection, "LOCK TABLE ONLY " + table.value() + " IN ACCESS SHARE MODE");
    int deleted = 0;
    for (TableName due : due(connection)) {
      if (deleted == limit) {
        break;
      }
      deleted +=
          deletions
              .computeIfAbsent(due, this::deletionsOf)
              .purge(new Session(connection, Session.Mode.JOINED), limit - deleted);
    }
    return deleted;
  }

  private ExpiredRecords deletionsOf(TableName partition) {
    return new ExpiredRecords(new Statements(dialect, partition, queryTimeout, timeouts));
  }

  /**
   * Whether it is worth another try before long.
   *
   * @param e what the driver said
   * @return true if a lock could not be had
   */
  public boolean isBusy(SQLException e) {
    return dialect.errors().lockTimeout(e) || dialect.errors().conflict(e);
  }

  private boolean create(Connection connection, Partition partition, @Nullable Partition rest)
      throws SQLException {
    execute(connection, "LOCK TABLE ONLY " + table.value() + " IN SHARE UPDATE EXCLUSIVE MODE");
    String parameters = "";
    String misplaced = "";
    if (rest != null) {
      String name = rest.table().value();
      // Attaching takes this lock in any case. From here on nothing more comes in.
      execute(connection, "LOCK TABLE " + name + " IN ACCESS EXCLUSIVE MODE");
      misplaced =
          name
              + (" WHERE id >= " + Partition.id(partition.from()))
              + (" AND id < " + Partition.id(partition.to()));
      if (upTo(MOVED + 1, connection, misplaced) > MOVED) {
        // A table that was in use before it had partitions: these expire where they are.
        return false;
      }
      String options =
          text(
              connection,
              "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = '"
                  + name
                  + "' :: regclass");
      parameters = options == null ? "" : " WITH (" + options + ")";
    }
    String name = partition.table().value();
    execute(
        connection,
        "CREATE TABLE " + name + " (LIKE " + table.value() + " INCLUDING ALL)" + parameters);
    if (rest != null) {
      execute(
          connection,
          "WITH moved AS (DELETE FROM ONLY "
              + misplaced
              + " RETURNING *) INSERT INTO "
              + name
              + " SELECT * FROM moved");
    }
    execute(
        connection,
        "ALTER TABLE "
            + table.value()
            + " ATTACH PARTITION "
            + name
            + " FOR VALUES "
            + partition.range());
    return true;
  }

  private long drop(Connection connection, Partition past) throws SQLException {
    String name = past.table().value();
    // Readers may go on while the records are looked at; a writer of so old a key waits or is busy.
    execute(connection, "LOCK TABLE ONLY " + name + " IN SHARE MODE");
    long records;
    Array kept;
    int moved;
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT count(*), array_agg(id) FILTER (WHERE "
                    + inUse()
                    + ") FROM ONLY "
                    + name)) {
      result.next();
      records = result.getLong(1);
      kept = result.getArray(2);
      moved = kept == null ? 0 : ((Object[]) kept.getArray()).length;
    }
    if (moved > MOVED) {
      return -1;
    }
    // From here on every claim waits, so this is short.
    execute(connection, "ALTER TABLE " + table.value() + " DETACH PARTITION " + name);
    if (kept != null) {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "INSERT INTO "
                  + table.value()
                  + " SELECT * FROM ONLY "
                  + name
                  + " WHERE id = ANY (?)")) {
        statement.setArray(1, kept);
        statement.executeUpdate();
      }
    }
    execute(connection, "DROP TABLE " + name);
    return records - moved;
  }

  private @Nullable Partition droppable(Connection connection) throws SQLException {
    Partitions there = partitions(connection);
    for (Partition each : there.all()) {
      String name = each.table().value();
      // By the index first, which is enough to know that most are still needed.
      if (each.isPast(there.now())
          && upTo(MOVED + 1, connection, name + " WHERE expires_at > (SELECT " + clock() + ")")
              <= MOVED
          && upTo(MOVED + 1, connection, name + " WHERE " + inUse()) <= MOVED) {
        return each;
      }
    }
    return null;
  }

  private String inUse() {
    return "state = 1 OR expires_at > (SELECT " + clock() + ")";
  }

  /** Tables with rows to be deleted one by one, those of the oldest first. */
  private List<TableName> due(Connection connection) throws SQLException {
    Partitions there = partitions(connection);
    deletions.keySet().retainAll(there.all().stream().map(Partition::table).toList());
    StringBuilder ages = new StringBuilder();
    for (int i = 0; i < there.all().size(); i++) {
      Partition each = there.all().get(i);
      if (each.isOfTime() && !each.isPast(there.now())) {
        continue;
      }
      long after = each.isOfTime() ? 2 * width * Partition.UNIT_MILLIS : 0;
      ages.append(ages.isEmpty() ? "" : " UNION ALL ")
          .append("SELECT " + i + " AS place, (SELECT expires_at FROM ONLY ")
          .append(each.table().value())
          .append(" WHERE expires_at <= (SELECT " + clock() + " - " + after + ")")
          .append(" ORDER BY expires_at LIMIT 1) AS oldest");
    }
    List<TableName> due = new ArrayList<>();
    if (ages.isEmpty()) {
      return due;
    }
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT place FROM (" + ages + ") a WHERE oldest IS NOT NULL ORDER BY oldest")) {
      while (result.next()) {
        due.add(there.all().get(result.getInt(1)).table());
      }
    }
    return due;
  }

  /** Whatever the pool's default, a later statement must see what an earlier one waited for. */
  private static void begin(Connection connection) throws SQLException {
    execute(connection, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
    execute(connection, "SET LOCAL lock_timeout = " + LOCK_WAIT_MILLIS);
  }

  /** Whether no other node changes partitions until this transaction ends. */
  private boolean alone(Connection connection) throws SQLException {
    return "t"
        .equals(
            text(
                connection,
                "SELECT pg_try_advisory_xact_lock(1768187246, hashoid('"
                    + table.value()
                    + "' :: regclass))"));
  }

  private Partitions partitions(Connection connection) throws SQLException {
    return Partitions.of(connection, table, clock());
  }

  private String clock() {
    return dialect.now();
  }

  private static long upTo(int most, Connection connection, String rows) throws SQLException {
    return number(
        connection, "SELECT count(*) FROM (SELECT FROM ONLY " + rows + " LIMIT " + most + ") r");
  }
}
