package io.idem.guard.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Work that runs under a lock.
 *
 * @param <A> what is locked
 * @param <T> what the work returns
 * @param <X> what it throws beside errors of JDBC
 */
@FunctionalInterface
public interface LockedWork<A, T extends @Nullable Object, X extends Exception> {

  /**
   * Does the work.
   *
   * @param locked what is locked
   * @param connection the connection of the transaction that holds the lock, neither committed nor
   *     closed here
   * @return the result
   * @throws X a failure, which rolls the guard's own transaction back
   * @throws SQLException likewise; a {@link GuardException} is made of it
   */
  T run(A locked, Connection connection) throws X, SQLException;
}
