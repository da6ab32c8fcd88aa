package io.idem.audit;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.ConnectionBuilder;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.ShardingKeyBuilder;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * A data source that shows its statements to a {@link StatementAudit}, for tests and staging.
 * Everything else is as the data source behind it has it: results, exceptions, {@code unwrap}.
 *
 * <p>Not seen: rows changed through an updatable {@link java.sql.ResultSet}, and what is run on a
 * connection or statement that was unwrapped, or is reached by way of {@link
 * java.sql.Array#getResultSet}. Thread-safe as the data source behind it is.
 */
public final class AuditingDataSource implements DataSource {

  private final DataSource target;
  private final AuditedSource audit;

  /**
   * Puts an audit before a data source.
   *
   * @param target the data source, pooled or not
   * @param audit sees every statement
   */
  public AuditingDataSource(DataSource target, StatementAudit audit) {
    this.target = target;
    this.audit = audit.source();
  }

  @Override
  public Connection getConnection() throws SQLException {
    return JdbcProxies.connection(target.getConnection(), audit);
  }

  @Override
  public Connection getConnection(String username, String password) throws SQLException {
    return JdbcProxies.connection(target.getConnection(username, password), audit);
  }

  @Override
  public PrintWriter getLogWriter() throws SQLException {
    return target.getLogWriter();
  }

  @Override
  public void setLogWriter(PrintWriter out) throws SQLException {
    target.setLogWriter(out);
  }

  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    target.setLoginTimeout(seconds);
  }

  @Override
  public int getLoginTimeout() throws SQLException {
    return target.getLoginTimeout();
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    return target.getParentLogger();
  }

  @Override
  public ConnectionBuilder createConnectionBuilder() throws SQLException {
    return JdbcProxies.builder(target.createConnectionBuilder(), audit);
  }

  @Override
  public ShardingKeyBuilder createShardingKeyBuilder() throws SQLException {
    return target.createShardingKeyBuilder();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    if (type.isInstance(this)) {
      return type.cast(this);
    }
    return type.isInstance(target) ? type.cast(target) : target.unwrap(type);
  }

  @Override
  public boolean isWrapperFor(Class<?> type) throws SQLException {
    return type.isInstance(this) || type.isInstance(target) || target.isWrapperFor(type);
  }

  /** Names the data source behind it. */
  @Override
  public String toString() {
    return "AuditingDataSource[" + target + "]";
  }
}
