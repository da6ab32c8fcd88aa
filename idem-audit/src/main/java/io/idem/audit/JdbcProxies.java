package io.idem.audit;

import io.idem.audit.StatementAudit.Judged;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.ConnectionBuilder;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Wrapper;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** JDBC's objects, with an audit that sees what they run. */
final class JdbcProxies {

  private static final Set<String> EXECUTIONS =
      Set.of("execute", "executeQuery", "executeUpdate", "executeLargeUpdate");

  private static final Set<String> BATCHES = Set.of("executeBatch", "executeLargeBatch");

  private JdbcProxies() {}

  static Connection connection(Connection target, AuditedSource audit) {
    return proxy(Connection.class, new ConnectionHandler(target, audit));
  }

  static ConnectionBuilder builder(ConnectionBuilder target, AuditedSource audit) {
    return proxy(
        ConnectionBuilder.class,
        new Handler(target) {
          @Override
          @Nullable Object handle(Object proxy, Method method, Object[] arguments)
              throws Throwable {
            Object result = pass(method, arguments);
            if (result instanceof Connection connection) {
              return connection(connection, audit);
            }
            return result == target ? proxy : result;
          }
        });
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(JdbcProxies.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  /** Passes calls on, and throws what they throw. */
  private abstract static class Handler implements InvocationHandler {

    private static final Object[] NONE = {};

    final Object target;

    Handler(Object target) {
      this.target = target;
    }

    @Override
    public final @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
        throws Throwable {
      Object[] given = arguments == null ? NONE : arguments;
      if (method.getDeclaringClass() == Object.class) {
        return switch (method.getName()) {
          case "equals" -> proxy == given[0];
          case "hashCode" -> System.identityHashCode(proxy);
          default -> "Audited[" + target + "]";
        };
      }
      if (method.getDeclaringClass() == Wrapper.class) {
        return wrapper(proxy, method.getName(), (Class<?>) given[0]);
      }
      return handle(proxy, method, given);
    }

    abstract @Nullable Object handle(Object proxy, Method method, Object[] arguments)
        throws Throwable;

    final @Nullable Object pass(Method method, Object[] arguments) throws Throwable {
      try {
        return method.invoke(target, arguments);
      } catch (InvocationTargetException e) {
        throw e.getTargetException();
      }
    }

    private Object wrapper(Object proxy, String question, Class<?> type) throws SQLException {
      Wrapper wrapped = (Wrapper) target;
      if (question.equals("isWrapperFor")) {
        return type.isInstance(proxy) || type.isInstance(target) || wrapped.isWrapperFor(type);
      }
      return type.isInstance(proxy)
          ? proxy
          : type.isInstance(target) ? target : wrapped.unwrap(type);
    }
  }

  private static final class ConnectionHandler extends Handler {

    private final AuditedSource audit;

    ConnectionHandler(Connection target, AuditedSource audit) {
      super(target);
      this.audit = audit;
    }

    @Override
    @Nullable Object handle(Object proxy, Method method, Object[] arguments) throws Throwable {
      Object result = pass(method, arguments);
      Connection connection = (Connection) proxy;
      if (result instanceof CallableStatement call) {
        return proxy(CallableStatement.class, handler(call, connection, arguments));
      } else if (result instanceof PreparedStatement prepared) {
        return proxy(PreparedStatement.class, handler(prepared, connection, arguments));
      } else if (result instanceof Statement statement) {
        return proxy(Statement.class, handler(statement, connection, arguments));
      } else if (result instanceof DatabaseMetaData metadata) {
        return proxy(DatabaseMetaData.class, new MetadataHandler(metadata, connection));
      }
      return result;
    }

    private StatementHandler handler(
        Statement statement, Connection connection, Object[] arguments) {
      String sql = arguments.length > 0 && arguments[0] instanceof String text ? text : null;
      return new StatementHandler(statement, connection, (Connection) target, sql, audit);
    }
  }

  private static final class MetadataHandler extends Handler {

    private final Connection connection;

    MetadataHandler(DatabaseMetaData target, Connection connection) {
      super(target);
      this.connection = connection;
    }

    @Override
    @Nullable Object handle(Object proxy, Method method, Object[] arguments) throws Throwable {
      return method.getName().equals("getConnection") ? connection : pass(method, arguments);
    }
  }

  private static final class StatementHandler extends Handler {

    private final Connection connection;
    private final Connection raw;
    private final @Nullable String prepared;
    private final AuditedSource audit;

    /** What has been added; for a prepared statement its own text, once for each row. */
    private final List<String> batch = new ArrayList<>();

    private int rows;

    StatementHandler(
        Statement target,
        Connection connection,
        Connection raw,
        @Nullable String prepared,
        AuditedSource audit) {
      super(target);
      this.connection = connection;
      this.raw = raw;
      this.prepared = prepared;
      this.audit = audit;
    }

    @Override
    @Nullable Object handle(Object proxy, Method method, Object[] arguments) throws Throwable {
      String name = method.getName();
      if (name.equals("getConnection")) {
        return connection;
      } else if (EXECUTIONS.contains(name)) {
        String sql = arguments.length > 0 && arguments[0] instanceof String text ? text : prepared;
        Judged judged = sql == null ? null : audit.judge(sql, raw);
        Object result = pass(method, arguments);
        note(judged);
        return result;
      } else if (BATCHES.contains(name)) {
        return runBatch(method, arguments);
      }
      Object result = pass(method, arguments);
      if (name.equals("addBatch")) {
        if (arguments.length > 0 && arguments[0] instanceof String text) {
          batch.add(text);
        } else {
          rows++;
        }
      } else if (name.equals("clearBatch")) {
        forget();
      }
      return result;
    }

    /** A batch that fails may have run in part, so that it is noted either way. */
    private @Nullable Object runBatch(Method method, Object[] arguments) throws Throwable {
      List<@Nullable Judged> judged = new ArrayList<>();
      for (String sql : batch) {
        judged.add(audit.judge(sql, raw));
      }
      if (prepared != null && rows > 0) {
        judged.addAll(Collections.nCopies(rows, audit.judge(prepared, raw)));
      }
      forget();
      try {
        return pass(method, arguments);
      } finally {
        judged.forEach(this::note);
      }
    }

    private void note(@Nullable Judged judged) {
      if (judged != null) {
        audit.note(judged);
      }
    }

    private void forget() {
      batch.clear();
      rows = 0;
    }
  }
}
