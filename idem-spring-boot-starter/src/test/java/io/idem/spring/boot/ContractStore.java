package io.idem.spring.boot;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.testkit.TcpProxy;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.TestRedis;
import io.idem.testkit.http.NodeSettings;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.AbstractDataSource;

/** Where the records of the contract's application are, and the ways of its nodes to it. */
interface ContractStore {

  /** A node's own way, which can be cut. */
  interface Way {

    /** What the node has to know. */
    List<String> properties();

    /** What the node works on instead of what Spring Boot would make of the properties, or null. */
    default @Nullable DataSource dataSource() {
      return null;
    }

    void cut();

    void mend();

    void close();
  }

  Way newWay();

  /** How often there was an effect, in what has been committed. */
  int effects(String name);

  /** What every node of a database is told. */
  static List<String> databaseProperties(String url) {
    return List.of(
        "spring.datasource.url=" + url,
        "spring.datasource.hikari.maximum-pool-size=" + NodeSettings.CONNECTIONS,
        "spring.datasource.hikari.connection-timeout=2000",
        "idem.store=jdbc",
        "idem.jdbc.initialize-schema=always");
  }

  private static int count(DataSource database, String name) {
    Integer count =
        new JdbcTemplate(database)
            .queryForObject("select count(*) from effect where name = ?", Integer.class, name);
    return count == null ? -1 : count;
  }

  /** A database in the memory of this process. */
  final class H2 implements ContractStore {

    private final String url = "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";
    private final DataSource database = new CuttableDataSource(url);

    H2() {
      new JdbcTemplate(database).execute("create table effect (name varchar(100))");
    }

    @Override
    public Way newWay() {
      return new Pooled(url);
    }

    @Override
    public int effects(String name) {
      return count(database, name);
    }
  }

  /** A pool of connections that end when it is cut, and what they have not committed with them. */
  final class Pooled implements Way {

    private final String url;
    private final CuttableDataSource source;
    private final HikariDataSource pool;

    Pooled(String url) {
      this.url = url;
      this.source = new CuttableDataSource(url);
      HikariConfig settings = new HikariConfig();
      settings.setDataSource(source);
      settings.setMaximumPoolSize(NodeSettings.CONNECTIONS);
      settings.setConnectionTimeout(2_000);
      this.pool = new HikariDataSource(settings);
    }

    @Override
    public List<String> properties() {
      return databaseProperties(url);
    }

    @Override
    public DataSource dataSource() {
      return pool;
    }

    @Override
    public void cut() {
      source.cut();
    }

    @Override
    public void mend() {
      source.mend();
      // The pool does not take H2's word for it that a connection is closed.
      pool.getHikariPoolMXBean().softEvictConnections();
    }

    @Override
    public void close() {
      pool.close();
    }
  }

  /** Opens connections until it is cut. */
  final class CuttableDataSource extends AbstractDataSource {

    private final String url;
    private final Set<Connection> open = ConcurrentHashMap.newKeySet();
    private volatile boolean cut;

    CuttableDataSource(String url) {
      this.url = url;
    }

    void cut() {
      cut = true;
      open.forEach(CuttableDataSource::close);
      open.clear();
    }

    void mend() {
      cut = false;
    }

    @Override
    public Connection getConnection() throws SQLException {
      if (cut) {
        throw new SQLException("The way to the database is cut", "08001");
      }
      Connection connection = DriverManager.getConnection(url);
      open.add(connection);
      return connection;
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
      return getConnection();
    }

    private static void close(Connection connection) {
      try {
        connection.close();
      } catch (SQLException e) {
        throw new IllegalStateException("A connection cannot be cut", e);
      }
    }
  }

  /** A database of its own on the shared server, through a proxy. */
  final class Postgres implements ContractStore {

    private final DataSource database = TestPostgres.shared().newDatabase();
    private final String url;

    Postgres() {
      try (Connection connection = database.getConnection()) {
        url = connection.getMetaData().getURL();
      } catch (SQLException e) {
        throw new IllegalStateException("The database cannot be reached", e);
      }
      new JdbcTemplate(database).execute("create table effect (name varchar(100))");
    }

    @Override
    public Way newWay() {
      URI server = URI.create(url.substring("jdbc:".length()));
      TcpProxy proxy = TcpProxy.to(server.getHost(), server.getPort());
      return new Proxied(
          proxy,
          databaseProperties(url.replace(server.getAuthority(), "127.0.0.1:" + proxy.port())));
    }

    @Override
    public int effects(String name) {
      return count(database, name);
    }
  }

  /** The shared server, through a proxy. */
  final class Redis implements ContractStore {

    @Override
    public Way newWay() {
      URI server = URI.create(TestRedis.standalone());
      TcpProxy proxy = TcpProxy.to(server.getHost(), server.getPort());
      return new Proxied(
          proxy,
          List.of(
              "spring.data.redis.url=redis://127.0.0.1:" + proxy.port(),
              "spring.data.redis.timeout=1s",
              "spring.data.redis.connect-timeout=1s",
              "idem.store=redis"));
    }

    @Override
    public int effects(String name) {
      throw new UnsupportedOperationException("The script counts them");
    }
  }

  /** A way over a socket. */
  record Proxied(TcpProxy proxy, List<String> properties) implements Way {

    @Override
    public void cut() {
      proxy.cut();
    }

    @Override
    public void mend() {
      proxy.mend();
    }

    @Override
    public void close() {
      proxy.close();
    }
  }
}
