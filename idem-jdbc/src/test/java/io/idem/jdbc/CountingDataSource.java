package io.idem.jdbc;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** Counts what a store asks of a database, and keeps as many connections as it is told. */
final class CountingDataSource implements DataSource {

  private final DataSource target;
  private final int limit;
  private final boolean autoCommit;
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger openStatements = new AtomicInteger();
  private final List<String> executed = new CopyOnWriteArrayList<>();
  private final List<String> leftOver = new CopyOnWriteArrayList<>();
  private final AtomicReference<Interruption> interruption = new AtomicReference<>();
  private volatile int majorVersion;

  CountingDataSource(DataSource target, int limit, boolean autoCommit) {
    this.target = target;
    this.limit = limit;
    this.autoCommit = autoCommit;
  }

  /** Round trips since the last call: statements executed, commits, rollbacks and savepoints. */
  List<String> takeExecuted() {
    List<String> taken = List.copyOf(executed);
    executed.clear();
    return taken;
  }

  /** Lets connections say that their server has another major version than it has. */
  void pretendMajorVersion(int version) {
    majorVersion = version;
  }

  /** Does something just before the next statement that contains a text is executed. */
  void before(String text, Runnable action) {
    interruption.set(new Interruption(text, action));
  }

  private record Interruption(String text, Runnable action) {}

  int openConnections() {
    return open.get();
  }

  int openStatements() {
    return openStatements.get();
  }

  /** What connections were given back with, other than what they were borrowed with. */
  List<String> leftOver() {
    return leftOver;
  }

  @Override
  public Connection getConnection() throws SQLException {
    if (open.incrementAndGet() > limit) {
      open.decrementAndGet();
      throw new SQLException("The pool is empty", "08001");
    }
    Connection connection = target.getConnection();
    connection.setAutoCommit(autoCommit);
    return proxy(Connection.class, connection, this::onConnection);
  }

  private Object onConnection(Connection connection, String method, Call call) throws Throwable {
    switch (method) {
      case "close" -> {
        if (!connection.isClosed() && connection.getAutoCommit() != autoCommit) {
          leftOver.add("autocommit " + connection.getAutoCommit());
        }
        open.decrementAndGet();
        // A pool would not close it: work that is still uncommitted must not be lost by that.
        return call.proceed();
      }
      case "commit", "rollback", "setSavepoint", "releaseSavepoint" -> {
        executed.add(method);
        return call.proceed();
      }
      case "getMetaData" -> {
        return majorVersion == 0
            ? call.proceed()
            : proxy(
                DatabaseMetaData.class,
                connection.getMetaData(),
                (target, name, c) ->
                    name.equals("getDatabaseMajorVersion") ? majorVersion : c.proceed());
      }
      case "prepareStatement" -> {
        openStatements.incrementAndGet();
        PreparedStatement statement = (PreparedStatement) call.proceed();
        String sql = (String) call.args()[0];
        return proxy(
            PreparedStatement.class, statement, (target, name, c) -> onStatement(name, c, sql));
      }
      case "createStatement" -> {
        openStatements.incrementAndGet();
        Statement statement = (Statement) call.proceed();
        return proxy(Statement.class, statement, (target, name, c) -> onStatement(name, c, ""));
      }
      default -> {
        return call.proceed();
      }
    }
  }

  private Object onStatement(String method, Call call, String sql) throws Throwable {
    if (method.startsWith("execute")) {
      Interruption due = interruption.get();
      if (due != null && sql.contains(due.text()) && interruption.compareAndSet(due, null)) {
        due.action().run();
      }
      executed.add(call.args() != null && call.args().length > 0 ? "" + call.args()[0] : sql);
    }
    if (method.equals("close")) {
      openStatements.decrementAndGet();
    }
    return call.proceed();
  }

  private interface Call {
    Object proceed() throws Throwable;

    default Object[] args() {
      return new Object[0];
    }
  }

  private interface Handler<T> {
    Object on(T target, String method, Call call) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, T target, Handler<T> handler) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) ->
                handler.on(
                    target,
                    method.getName(),
                    new Call() {
                      @Override
                      public Object proceed() throws Throwable {
                        try {
                          return method.invoke(target, args);
                        } catch (InvocationTargetException e) {
                          throw e.getCause();
                        }
                      }

                      @Override
                      public Object[] args() {
                        return args;
                      }
                    }));
    return type.cast(proxy);
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    throw new SQLException("Not needed");
  }

  @Override
  public PrintWriter getLogWriter() {
    throw new UnsupportedOperationException("Not needed");
  }

  @Override
  public void setLogWriter(PrintWriter out) {}

  @Override
  public void setLoginTimeout(int seconds) {}

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() {
    return Logger.getGlobal();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    throw new SQLException("Nothing to unwrap");
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return false;
  }
}
