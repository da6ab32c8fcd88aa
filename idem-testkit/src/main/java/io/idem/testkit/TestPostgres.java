package io.idem.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * One PostgreSQL for all tests of a JVM, with a database of its own for each that asks.
 *
 * <p>The server is started when it is first asked for and stopped with the JVM. If it cannot start,
 * the test that asked fails. Set {@value #URL} to use a server that is already there: a JDBC URL
 * with user and password, whose user may create databases.
 */
public final class TestPostgres {

  /** The environment variable that names another server. */
  public static final String URL = "IDEM_TEST_POSTGRES_URL";

  private final String url;

  private TestPostgres(String url) {
    this.url = url;
  }

  /**
   * The server.
   *
   * @return the same for all callers
   */
  public static TestPostgres shared() {
    return Holder.SERVER;
  }

  /**
   * Creates an empty database.
   *
   * @return opens a new connection each time, with autocommit on
   */
  public DataSource newDatabase() {
    String name = "idem_" + UUID.randomUUID().toString().replace("-", "");
    try (Connection connection = new DriverDataSource(url).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException("No test database could be created on " + withoutQuery(), e);
    }
    return new DriverDataSource(urlOf(name));
  }

  /** Puts another database into a URL such as jdbc:postgresql://host:port/database?user=me. */
  private String urlOf(String database) {
    String before = withoutQuery();
    return before.substring(0, before.lastIndexOf('/') + 1)
        + database
        + url.substring(before.length());
  }

  private String withoutQuery() {
    int query = url.indexOf('?');
    return query < 0 ? url : url.substring(0, query);
  }

  private static TestPostgres start() {
    @Nullable String external = System.getenv(URL);
    if (external != null && !external.isEmpty()) {
      return new TestPostgres(external);
    }
    try {
      EmbeddedPostgres server =
          EmbeddedPostgres.builder().setServerConfig("max_connections", "300").start();
      // It has a shutdown hook of its own that stops it and deletes its data.
      return new TestPostgres(server.getJdbcUrl("postgres", "postgres"));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The embedded PostgreSQL did not start; set " + URL + " to use another", e);
    }
  }

  /** Starts the server when it is first touched. */
  private static final class Holder {
    static final TestPostgres SERVER = start();
  }
}
