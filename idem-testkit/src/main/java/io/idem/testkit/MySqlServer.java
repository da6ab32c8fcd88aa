package io.idem.testkit;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import javax.sql.DataSource;

/**
 * A server that speaks MySQL's protocol.
 *
 * @param url a JDBC URL such as jdbc:mariadb://host:port/db?user=me
 */
record MySqlServer(String url) {

  /** Creates an empty database, to be reached through the driver of the server's URL. */
  DataSource newDatabase() {
    return newDatabase(url.split(":", 3)[1], "");
  }

  /** Creates an empty database, to be reached through a driver of the caller's choice. */
  DataSource newDatabase(String driver, String options) {
    String name = "idem_" + UUID.randomUUID().toString().replace("-", "");
    try (Connection connection = new DriverDataSource(url).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException("No test database could be created on " + withoutQuery(), e);
    }
    return new DriverDataSource(urlOf(driver, name, options));
  }

  /** Puts another driver and database into the URL. */
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
}
