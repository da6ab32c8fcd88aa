package io.idem.guard.jdbc;

import io.idem.jdbc.Dialect;
import io.idem.jdbc.DriverErrors;
import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What tells one database from another for the guards, as data.
 *
 * @param quote what an identifier is put between
 * @param freshRead ends a plain read so that it sees what is committed now, whatever the
 *     transaction's snapshot; empty where a statement that changed nothing has the snapshot's word
 * @param readDuplicate ends the read of a row that an insert has met, likewise. A failed insert of
 *     InnoDB shares a lock on it with others that failed: whoever asked for more would deadlock
 * @param locksScanned whether a locking statement locks, and waits for, every row that it looks at
 *     on its way to those that it is asked for
 * @param onConflict follows an insert that leaves rows with the same number alone and is followed
 *     by what it returns of the others, with the number's columns in place of the %s; null where
 *     such an insert fails, without harm to the transaction
 * @param lockWait how the wait for a lock is bounded
 * @param errors what the driver's errors mean
 * @param keyLock how a key without a row is locked; null if the database has no such locks
 */
record DatabaseSpec(
    String quote,
    String freshRead,
    String readDuplicate,
    boolean locksScanned,
    @Nullable String onConflict,
    LockWait lockWait,
    DriverErrors errors,
    @Nullable KeyLocks keyLock) {

  /**
   * PostgreSQL. Any error spoils the transaction, so what may fail runs behind a savepoint, and a
   * duplicate is no error.
   */
  static final DatabaseSpec POSTGRESQL =
      new DatabaseSpec(
          "\"",
          "",
          "",
          false,
          " ON CONFLICT (%s) DO NOTHING RETURNING ",
          new LockWait(
              null,
              "SAVEPOINT idem_guard;"
                  + " SELECT set_config('idem.guard_wait', current_setting('lock_timeout'), true),"
                  + " set_config('lock_timeout', CAST(? AS text), true)",
              "SELECT set_config('lock_timeout', current_setting('idem.guard_wait'), true);"
                  + " RELEASE SAVEPOINT idem_guard",
              "ROLLBACK TO SAVEPOINT idem_guard; RELEASE SAVEPOINT idem_guard",
              1),
          new DriverErrors(Set.of(), Set.of("55P03"), Set.of("40001", "40P01"), null),
          KeyLocks.ADVISORY);

  /** H2. A failed statement harms nothing but itself. */
  static final DatabaseSpec H2 =
      new DatabaseSpec(
          "\"",
          "",
          "",
          false,
          null,
          new LockWait(
              "SELECT LOCK_TIMEOUT()", "SET LOCK_TIMEOUT ?", "SET LOCK_TIMEOUT ?", null, 1),
          new DriverErrors(Set.of("23505"), Set.of("50200"), Set.of("40001", "90131"), null),
          null);

  /**
   * MariaDB and MySQL, which do not differ here. A failed statement harms nothing but itself,
   * unless it is a deadlock. A duplicate is told by its error: the count of an {@code ON DUPLICATE
   * KEY UPDATE} says the same for a new row and for one that was there where the driver asks for
   * matched rows, and it spares the duplicates of other constraints too.
   *
   * <p>1205 is a lock timeout and 3572 a row that is locked though NOWAIT was said; 1213 and 3058
   * are deadlocks, 1020 a row that changed after the transaction's snapshot.
   */
  static final DatabaseSpec INNODB =
      new DatabaseSpec(
          "`",
          " FOR UPDATE",
          " LOCK IN SHARE MODE",
          true,
          null,
          new LockWait(
              null,
              "SET @idem_guard_wait = @@SESSION.innodb_lock_wait_timeout,"
                  + " SESSION innodb_lock_wait_timeout = GREATEST(1, ?)",
              "SET SESSION innodb_lock_wait_timeout = @idem_guard_wait",
              null,
              1000),
          new DriverErrors(
              Set.of("1062"),
              Set.of("1205", "3572"),
              Set.of("1213", "3058", "1020", "40001"),
              "SELECT @@GLOBAL.innodb_rollback_on_timeout"),
          KeyLocks.NAMED);

  static DatabaseSpec of(Dialect dialect) {
    return switch (dialect) {
      case POSTGRESQL -> POSTGRESQL;
      case H2 -> H2;
      case MARIADB, MYSQL -> INNODB;
    };
  }

  /**
   * The exception that an error of the driver becomes. What the driver says may have values of the
   * row in it, and stays in the cause.
   */
  GuardException failure(String what, SQLException e) {
    String code = " (SQL state " + e.getSQLState() + ", code " + e.getErrorCode() + ")";
    if (errors.lockTimeout(e)) {
      return new GuardBusyException(
          what + ": another transaction held a row for too long" + code, e);
    } else if (errors.conflict(e)) {
      return new GuardConflictException(
          what + ": the database wants the transaction rolled back, and run again" + code, e);
    }
    return new GuardException(what + ": the database refused it" + code, e);
  }

  /** How a key without a row is locked. */
  enum KeyLocks {
    /** Until the transaction ends. */
    ADVISORY,
    /** Until the session lets it go. */
    NAMED
  }

  /**
   * How a session's wait for a lock is bounded, and set back.
   *
   * @param get reads the bound in its own unit; null if {@code set} puts it aside by itself
   * @param set writes it, with one parameter
   * @param restore sets it back; its parameter is what {@code get} read, if that is there
   * @param undo sets it back after an error, and makes the transaction usable again; null if it is
   *     usable and {@code restore} does
   * @param millisPerUnit the unit
   */
  record LockWait(
      @Nullable String get,
      String set,
      String restore,
      @Nullable String undo,
      long millisPerUnit) {}
}
