package io.idem.jdbc.internal;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code lock_timeout} that connections to PostgreSQL carry by themselves.
 *
 * <p>It is looked at once, on the connection of the first claim: the others are taken to be alike.
 * Thread-safe.
 */
public final class SessionBound {

  private static final Logger log = LoggerFactory.getLogger(SessionBound.class);

  /** Zero until somebody has looked. */
  private volatile long millis;

  /** Nothing has been looked at yet. */
  SessionBound() {}

  /**
   * Whether a claim may leave its wait to the connection. In a transaction it may not if it is to
   * wait less. A leased claim waits for statements under way, which are short; so it always may.
   *
   * @throws IllegalStateException if the connection waits for ever
   */
  boolean isEnough(Session session, long waitMillis) throws SQLException {
    long bound = millis;
    if (bound == 0) {
      bound = require(session.connection());
      millis = bound;
      if (session.inTransaction() && waitMillis > 0 && waitMillis < bound) {
        log.warn(
            "The lock_timeout of the connections is {} ms, and an operation waits only {} ms: its"
                + " claims set their own bound. Let the connections have a shorter one, or the"
                + " operation wait longer",
            bound,
            waitMillis);
      }
    }
    return !session.inTransaction() || waitMillis >= bound;
  }

  /**
   * Looks at a connection.
   *
   * @param connection any of those that claims are made on
   * @return its lock_timeout in milliseconds
   * @throws IllegalStateException if it has none; the message names the fix
   * @throws SQLException if the database fails
   */
  public static long require(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT CAST(setting AS bigint) FROM pg_settings WHERE name = 'lock_timeout'")) {
      result.next();
      long millis = result.getLong(1);
      if (millis == 0) {
        throw new IllegalStateException(
            "The connections are to bound the wait of claims (LockWait.OF_SESSION), and have no"
                + " lock_timeout: set one, by ALTER ROLE … SET lock_timeout = '2s', by"
                + " options=-c%20lock_timeout=2s in the JDBC URL, or by SET lock_timeout = '2s'"
                + " when the pool opens a connection; or leave the lock wait as it is by default");
      }
      return millis;
    }
  }
}
