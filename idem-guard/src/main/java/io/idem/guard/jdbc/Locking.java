package io.idem.guard.jdbc;

import io.idem.guard.Locked;
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

  static <A, T extends @Nullable Object, X extends Exception> Locked<T> work(
      Calls calls, Locked<A> locked, Connection connection, LockedWork<A, T, X> work) throws X {
    if (locked instanceof Locked.Ran<A> held) {
      try {
        return new Locked.Ran<>(work.run(held.result(), connection));
      } catch (SQLException e) {
        throw calls.spec().failure("Working under a lock", e);
      }
    }
    return locked instanceof Locked.Busy ? new Locked.Busy<>() : new Locked.NotFound<>();
  }
}
