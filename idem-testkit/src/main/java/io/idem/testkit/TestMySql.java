package io.idem.testkit;

import javax.sql.DataSource;
import org.junit.jupiter.api.Assumptions;

/**
 * The MySQL that the environment names, with a database of its own for each test that asks.
 *
 * <p>No embedded MySQL can be had as a dependency, and MariaDB is none: it locks, waits and parses
 * in its own way. So {@value #URL} must name a server that is there: a JDBC URL with user and
 * password, whose user may create databases, for example {@code
 * jdbc:mysql://127.0.0.1:3306/?user=root}. Where it names none, a test that asks is reported as
 * skipped, and does not pass.
 */
public final class TestMySql {

  /** The environment variable that names the server. */
  public static final String URL = "IDEM_TEST_MYSQL_URL";

  private final MySqlServer server;

  private TestMySql(String url) {
    this.server = new MySqlServer(url);
  }

  /**
   * The server; without one, the test that asks is aborted, and so reported as skipped.
   *
   * @return a server that is expected to be there
   * @throws org.opentest4j.TestAbortedException if the environment names none
   */
  public static TestMySql shared() {
    String url = System.getenv(URL);
    Assumptions.assumeTrue(
        url != null && !url.isEmpty(), () -> "No MySQL: " + URL + " names no server");
    return new TestMySql(url);
  }

  /**
   * Creates an empty database, to be reached through a driver of the caller's choice.
   *
   * @param driver {@code mysql} or {@code mariadb}: what stands after {@code jdbc:} in its URLs
   * @param options parameters for the URL, such as {@code useServerPrepStmts=true&…}; may be empty
   * @return opens a new connection each time, with autocommit on
   */
  public DataSource newDatabase(String driver, String options) {
    return server.newDatabase(driver, options);
  }
}
