package io.idem.guard.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;

/** Connections on which something happens before a statement is prepared, or that lie. */
final class Meddling {

  private Meddling() {}

  /** Stands between a caller and a method of JDBC. */
  private interface Between {
    Object call(String method, Object[] arguments, Original original) throws Throwable;
  }

  /** What the method would have done. */
  private interface Original {
    Object call() throws Throwable;
  }

  /** Is told a statement's text first, and may keep it from being sent. */
  interface Listener {
    void before(Connection connection, String statement) throws SQLException;
  }

  static DataSource before(DataSource dataSource, Listener listener) {
    return connections(
        dataSource,
        target ->
            proxy(
                Connection.class,
                target,
                (method, arguments, original) -> {
                  if (method.equals("prepareStatement")) {
                    listener.before(target, (String) arguments[0]);
                  }
                  return original.call();
                }));
  }

  /** A database that says it is another. */
  static DataSource called(DataSource dataSource, String product) {
    return connections(
        dataSource,
        target ->
            proxy(
                Connection.class,
                target,
                (method, arguments, original) ->
                    method.equals("getMetaData")
                        ? proxy(
                            DatabaseMetaData.class,
                            original.call(),
                            (name, none, metaData) ->
                                name.equals("getDatabaseProductName") ? product : metaData.call())
                        : original.call()));
  }

  private static DataSource connections(DataSource dataSource, UnaryOperator<Connection> other) {
    return proxy(
        DataSource.class,
        dataSource,
        (method, arguments, original) ->
            method.equals("getConnection")
                ? other.apply((Connection) original.call())
                : original.call());
  }

  private static <T> T proxy(Class<T> type, Object target, Between between) {
    return type.cast(
        Proxy.newProxyInstance(
            Meddling.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) ->
                between.call(
                    method.getName(),
                    arguments,
                    () -> {
                      try {
                        return method.invoke(target, arguments);
                      } catch (InvocationTargetException e) {
                        throw e.getCause();
                      }
                    })));
  }
}
