package io.idem.guard.jdbc;

import io.idem.guard.Locked;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Work under a lock on rows of a table ({@code SELECT … FOR UPDATE}). Thread-safe.
 *
 * <p>The lock is the transaction's: it ends when that commits or rolls back, and cannot be lost
 * before. In a transaction that was joined it therefore outlives the work. Several rows are locked
 * in the order of their ids, so that callers of this guard do not deadlock with each other. On
 * MariaDB and MySQL each row is looked up by itself, many in one statement: one that looked for all
 * of them could scan the table, and wait for rows that nobody asked for.
 */
public final class RowLock {

  /** The most rows that are locked at once. */
  public static final int MAX_ROWS = 1000;

  private final Calls calls;
  private final String table;
  private final String id;
  private final boolean standsForOthers;

  private RowLock(Calls calls, String table, String id, boolean standsForOthers) {
    this.calls = calls;
    this.table = table;
    this.id = id;
    this.standsForOthers = standsForOthers;
  }

  static RowLock of(Calls calls, String table, String id) {
    Identifiers names = calls.identifiers();
    return new RowLock(calls, names.table(table), names.column(id), false);
  }

  /**
   * Locks on rows that never change, for the sake of others: no conflict tells that these are not
   * what the transaction's snapshot says.
   */
  RowLock forOthers() {
    return new RowLock(calls, table, id, true);
  }

  /**
   * This guard in the transaction of a caller of plain JDBC.
   *
   * @param connection a connection to the same database, with autocommit off; its owner commits and
   *     closes it
   * @return a guard for one thread at a time, like its connection
   */
  public RowLock on(Connection connection) {
    return new RowLock(calls.on(connection), table, id, standsForOthers);
  }

  /**
   * Runs work under a lock on one row.
   *
   * @param row the row's id, as the driver takes it
   * @param wait how long to wait for another holder; zero for not at all ({@code NOWAIT}), at most
   *     an hour. InnoDB counts whole seconds, rounded up
   * @param work what to run; it is given the id
   * @param <T> what the work returns
   * @param <X> what it throws
   * @return what it returned; or that the row is locked, or not there
   * @throws X what the work threw
   * @throws GuardConflictException if the transaction is to be run again
   * @throws GuardException if the database did not say
   */
  public <T extends @Nullable Object, X extends Exception> Locked<T> run(
      Object row, Duration wait, LockedWork<Object, T, X> work) throws X {
    return runAll(List.of(row), wait, (rows, connection) -> work.run(rows.get(0), connection));
  }

  /**
   * Runs work under a lock on several rows: on all of them, or not at all.
   *
   * @param rows the rows' ids, at most {@value #MAX_ROWS}
   * @param wait how long to wait for another holder of each; zero for not at all, at most an hour
   * @param work what to run; it is given the ids of the rows that are there, in the order in which
   *     they were locked
   * @param <T> what the work returns
   * @param <X> what it throws
   * @return what it returned; or that a row is locked, or none is there
   * @throws X what the work threw
   * @throws GuardException as {@link #run} throws it
   */
  public <T extends @Nullable Object, X extends Exception> Locked<T> runAll(
      List<?> rows, Duration wait, LockedWork<List<Object>, T, X> work) throws X {
    Calls.requireWait(wait);
    return Locking.run(
        calls,
        "Locking rows of " + table,
        connection -> {
          if (standsForOthers) {
            Locking.requireNoSnapshot(calls, connection);
          }
          @Nullable List<Object> locked =
              wait.isZero() && calls.spec().lockWait().undo() == null
                  ? orBusy(connection, rows)
                  : calls.waiting(
                      connection, wait, c -> lock(c, rows, wait.isZero() ? " NOWAIT" : ""));
          return locked == null
              ? new Locked.Busy<>()
              : locked.isEmpty() ? new Locked.NotFound<>() : new Locked.Ran<>(locked);
        },
        work);
  }

  /**
   * Runs work under a lock on those of several rows that nobody holds ({@code SKIP LOCKED}).
   *
   * @param rows the rows' ids, at most {@value #MAX_ROWS}
   * @param work what to run; it is given the ids of the rows that are locked now, in the order of
   *     the database
   * @param <T> what the work returns
   * @param <X> what it throws
   * @return what it returned; or that all rows that are there are locked, or none is there
   * @throws X what the work threw
   * @throws GuardException as {@link #run} throws it
   */
  public <T extends @Nullable Object, X extends Exception> Locked<T> runOnFree(
      List<?> rows, LockedWork<List<Object>, T, X> work) throws X {
    return Locking.run(
        calls,
        "Locking free rows of " + table,
        connection -> {
          List<Object> locked = lock(connection, rows, " SKIP LOCKED");
          if (!locked.isEmpty()) {
            return new Locked.Ran<>(locked);
          }
          return isAnyThere(connection, rows) ? new Locked.Busy<>() : new Locked.NotFound<>();
        },
        work);
  }

  /** Without a plain read on InnoDB, which would give the caller's transaction its snapshot. */
  private boolean isAnyThere(Connection connection, List<?> rows) throws SQLException {
    if (!calls.spec().locksScanned()) {
      return !select(connection, rows, asked(rows), "").isEmpty();
    }
    @Nullable List<Object> there = orBusy(connection, rows);
    return there == null || !there.isEmpty();
  }

  /** Without a wait there is no bound to set, where an error spoils nothing. */
  private @Nullable List<Object> orBusy(Connection connection, List<?> rows) throws SQLException {
    try {
      return lock(connection, rows, " NOWAIT");
    } catch (SQLException e) {
      if (calls.spec().errors().lockTimeout(e)) {
        calls.requireTransaction(connection, e);
        return null;
      }
      throw e;
    }
  }

  private List<Object> lock(Connection connection, List<?> rows, String otherwise)
      throws SQLException {
    Map<String, Object> asked = asked(rows);
    if (!calls.spec().locksScanned() || asked.size() == 1) {
      return select(connection, rows, asked, " ORDER BY " + id + " FOR UPDATE" + otherwise);
    }
    List<List<Object>> keys = new ArrayList<>();
    asked.values().forEach(row -> keys.add(List.of(row)));
    keys.sort(Ids::compare);
    Map<String, Object> found = new LinkedHashMap<>();
    Points.read(
        connection,
        id,
        table + " WHERE " + id + " = ? FOR UPDATE" + otherwise,
        keys,
        (row, place) ->
            found.putIfAbsent(
                Ids.normal(Ids.read(row, 1, keys.get(place).get(0))), keys.get(place).get(0)));
    return List.copyOf(found.values());
  }

  /** The ids as their caller has them. */
  private static Map<String, Object> asked(List<?> rows) {
    if (rows.isEmpty() || rows.size() > MAX_ROWS) {
      throw new IllegalArgumentException(
          "From 1 to " + MAX_ROWS + " rows can be locked at once, but not " + rows.size());
    }
    return rows.stream()
        .map(Objects::requireNonNull)
        .collect(Collectors.toMap(Ids::normal, Function.identity(), (one, other) -> one));
  }

  private List<Object> select(
      Connection connection, List<?> rows, Map<String, Object> asked, String suffix)
      throws SQLException {
    return Calls.query(
        connection,
        "SELECT "
            + id
            + " FROM "
            + table
            + " WHERE "
            + id
            + (rows.size() == 1 ? " = ?" : " IN (" + Ids.placeholders(rows.size()) + ")")
            + suffix,
        rows,
        result -> {
          List<Object> found = new ArrayList<>();
          while (result.next()) {
            Object row = Ids.read(result, 1, rows.get(0));
            // As the caller has it, not as the driver gives it.
            found.add(rows.size() == 1 ? rows.get(0) : asked.getOrDefault(Ids.normal(row), row));
          }
          return found;
        });
  }
}
