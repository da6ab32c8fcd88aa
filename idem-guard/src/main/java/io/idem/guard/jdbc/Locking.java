package io.idem.guard.jdbc;

import io.idem.guard.Locked;
import io.idem.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Taking a lock and working under it, in one transaction. */
final class Locking {

  private Locking() {}

  static <A, T extends @Nullable Object, X extends Exception> Locked<T> run(
      Calls calls, String what, SqlWork<Connection, Locked<A>> lock, LockedWork<A, T, X> work)
      throws X {
    return calls
        .transactions()
        .<Locked<T>, X>inTransaction(
            transaction -> {
              transaction.flush();
              Connection connection = transaction.connection();
              Locked<A> locked = calls.told(what, connection, lock);
              return work(calls, locked, connection, work);
            });
  }

  /**
   * Refuses a transaction whose work could not see what the last holder of a lock has committed. On
   * PostgreSQL and H2 a transaction has its snapshot when it asks for the lock, and nothing reads
   * past it; who waited would decide by what was there before.
   */
  static void requireNoSnapshot(Calls calls, Connection connection) throws SQLException {
    if (calls.spec().freshRead().isEmpty()
        && connection.getTransactionIsolation() > Connection.TRANSACTION_READ_COMMITTED) {
      throw new IllegalStateException(
          "At REPEATABLE READ and above, this database answers what is read under a lock on a key"
              + " from before the lock. Lock keys in a transaction at READ COMMITTED");
    }
  }

  static <A, T extends @Nullable Object, X extends Exception> Locked<T> work(
      Calls calls, Locked<A> locked, Connection connection, LockedWork<A, T, X> work) throws X {
    if (locked instanceof Locked.Ran<A> held) {
      T result;
      try {
        result = work.run(held.result(), connection);
      } catch (SQLException e) {
        throw calls.spec().failure("Working under a lock", e);
      }
      JdbcTransactions.requireCommittable(connection);
      return new Locked.Ran<>(result);
    }
    return locked instanceof Locked.Busy ? new Locked.Busy<>() : new Locked.NotFound<>();
  }
}
