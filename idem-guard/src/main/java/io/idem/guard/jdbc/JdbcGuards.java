package io.idem.guard.jdbc;

import io.idem.guard.StateMachine;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Makes the guards of one database. Thread-safe, as the guards are: make them once, at start-up.
 *
 * <p>Each call of a guard runs in the transaction that {@link JdbcTransactions} gives: the caller's
 * where one is running, else one of its own. With Spring these are {@code SpringJdbcTransactions},
 * on the connection that MyBatis and JPA use too; with plain JDBC, {@code guard.on(connection)}
 * joins the transaction of a connection.
 *
 * <p>Names of tables and columns come from the program, are checked and quoted, and none can be
 * given in a call. Values reach the database as parameters only.
 */
public final class JdbcGuards {

  private final Calls calls;

  private JdbcGuards(JdbcTransactions transactions, boolean ownOnly) {
    this.calls =
        transactions.<Calls, RuntimeException>inTransaction(
            transaction -> calls(transaction.connection(), transactions, ownOnly));
  }

  private static Calls calls(
      Connection connection, JdbcTransactions transactions, boolean ownOnly) {
    DatabaseSpec spec = DatabaseSpec.of(Dialect.of(connection));
    try {
      Identifiers identifiers = Identifiers.of(connection.getMetaData(), spec);
      return new Calls(transactions, spec, identifiers, ownOnly);
    } catch (SQLException e) {
      throw new GuardException("Asking the database about names: " + e.getMessage(), e);
    }
  }

  /**
   * Guards for callers of plain JDBC. A call begins a transaction of its own, unless the guard is
   * told with {@code on(connection)} to join one.
   *
   * @param dataSource where connections come from; one is taken now, to find out which database
   *     this is
   * @return the guards
   * @throws IllegalStateException if Idem does not know the database
   * @throws io.idem.core.store.StoreUnavailableException if it cannot be reached
   */
  public static JdbcGuards of(DataSource dataSource) {
    return new JdbcGuards(JdbcTransactions.of(dataSource), true);
  }

  /**
   * Guards in transactions that something else manages.
   *
   * @param transactions how a transaction is joined or begun
   * @return the guards
   * @throws IllegalStateException if Idem does not know the database
   * @throws io.idem.core.store.StoreUnavailableException if it cannot be reached
   */
  public static JdbcGuards of(JdbcTransactions transactions) {
    return new JdbcGuards(transactions, false);
  }

  /**
   * Rows with a state, stored as the constant's name.
   *
   * @param machine the states and transitions
   * @param table where they are
   * @param <S> the states
   * @return the guard
   * @throws IllegalStateException if the machine has flaws
   * @throws IllegalArgumentException if a name is none that SQL allows
   */
  public <S extends Enum<S>> StateGuard<S> states(StateMachine<S> machine, StateTable table) {
    return states(machine, table, Enum::name);
  }

  /**
   * Rows with a state.
   *
   * @param machine the states and transitions
   * @param table where they are
   * @param stored how a state is written in its column, each differently
   * @param <S> the states
   * @return the guard
   * @throws IllegalStateException if the machine has flaws
   * @throws IllegalArgumentException if a name is none that SQL allows, or two states are stored
   *     alike
   */
  public <S extends Enum<S>> StateGuard<S> states(
      StateMachine<S> machine, StateTable table, Function<? super S, String> stored) {
    return new StateGuard<>(calls, machine, table, stored);
  }

  /**
   * Rows with a version.
   *
   * @param table where they are
   * @return the guard
   * @throws IllegalArgumentException if a name is none that SQL allows
   */
  public VersionGuard versions(VersionTable table) {
    return VersionGuard.of(calls, table);
  }

  /**
   * Rows with a business number, read as maps from the names of the columns that are read.
   *
   * @param table where they are
   * @return the guard
   * @throws IllegalArgumentException if a name is none that SQL allows
   */
  public UniqueNumber<Map<String, @Nullable Object>> numbers(NumberTable table) {
    return UniqueNumber.ofMaps(calls, table);
  }

  /**
   * Rows with a business number.
   *
   * @param table where they are
   * @param reader makes an object of a row
   * @param <T> the object
   * @return the guard
   * @throws IllegalArgumentException if a name is none that SQL allows
   */
  public <T extends @Nullable Object> UniqueNumber<T> numbers(
      NumberTable table, RowReader<T> reader) {
    return UniqueNumber.of(calls, table, reader);
  }

  /**
   * Locks on rows.
   *
   * @param table the table, optionally after its schema and a dot
   * @param id the column that tells rows apart, with a unique index
   * @return the guard
   * @throws IllegalArgumentException if a name is none that SQL allows
   */
  public RowLock rows(String table, String id) {
    return RowLock.of(calls, table, id);
  }

  /**
   * Locks on keys, of the kind that the database has beside its rows.
   *
   * @param namespace keeps keys of different uses apart
   * @return the guard
   * @throws IllegalStateException if the database is H2, which has none; or if it is MariaDB or
   *     MySQL and transactions are not the guards' own
   */
  public KeyLock keys(String namespace) {
    return KeyLock.ofDatabase(calls, namespace);
  }

  /**
   * Locks on keys by rows of a table, on any database. The {@value KeyLock#SLOTS} rows are made
   * here where they are missing, in transactions of the guards: not while a transaction of the
   * caller is running.
   *
   * @param namespace keeps keys of different uses apart
   * @param table a table with a single column, {@code slot INT PRIMARY KEY}, made for this
   * @return the guard
   * @throws IllegalArgumentException if the name is none that SQL allows
   * @throws GuardBusyException if another process is making the rows and takes too long
   * @throws GuardException if the rows could not be made, for want of the table for example
   */
  public KeyLock keys(String namespace, String table) {
    return KeyLock.ofTable(calls, namespace, table);
  }
}
