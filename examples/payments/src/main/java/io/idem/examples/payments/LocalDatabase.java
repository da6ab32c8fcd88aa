package io.idem.examples.payments;

import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;

/**
 * A database that the service starts and stops itself. Being the connection details, it outlives
 * the connection pool: the pool is closed first, then the database.
 */
interface LocalDatabase extends JdbcConnectionDetails, AutoCloseable {

  /** How many connections may be open at once. */
  int maxConnections();

  @Override
  void close();
}
