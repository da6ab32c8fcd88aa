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
import java.sql.ResultSet;
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
      Session session = new Session((Connection) proxy, (Connection) target, audit);
      if (result instanceof Statement statement) {
        String sql = arguments.length > 0 && arguments[0] instanceof String text ? text : null;
        return session.audited(statement, sql);
      } else if (result instanceof DatabaseMetaData metadata) {
        return proxy(DatabaseMetaData.class, new MetadataHandler(metadata, session));
      }
      return result;
    }
  }

  /**
   * What the objects of one connection share.
   *
   * @param connection the audited one
   * @param raw the one behind it
   * @param audit sees what is run
   */
  private record Session(Connection connection, Connection raw, AuditedSource audit) {

    /** A statement; its text, if it was prepared with one. */
    Statement audited(Statement statement, @Nullable String sql) {
      StatementHandler handler = new StatementHandler(statement, this, sql);
      if (statement instanceof CallableStatement) {
        return proxy(CallableStatement.class, handler);
      }
      return statement instanceof PreparedStatement
          ? proxy(PreparedStatement.class, handler)
          : proxy(Statement.class, handler);
    }

    /** Rows, which know the statement that they are of; anything else as it is. */
    @Nullable Object audited(@Nullable Object result, @Nullable Statement raw, Object audited) {
      return result instanceof ResultSet rows
          ? proxy(ResultSet.class, new RowsHandler(rows, this, raw, audited))
          : result;
    }
  }

  private static final class MetadataHandler extends Handler {

    private final Session session;

    MetadataHandler(DatabaseMetaData target, Session session) {
      super(target);
      this.session = session;
    }

    @Override
    @Nullable Object handle(Object proxy, Method method, Object[] arguments) throws Throwable {
      return method.getName().equals("getConnection")
          ? session.connection()
          : session.audited(pass(method, arguments), null, proxy);
    }
  }

  private static final class RowsHandler extends Handler {

    private final Session session;
    private final @Nullable Statement raw;
    private final Object audited;

    /** Rows of a statement; of the metadata there is none that is known. */
    RowsHandler(ResultSet target, Session session, @Nullable Statement raw, Object audited) {
      super(target);
      this.session = session;
      this.raw = raw;
      this.audited = audited;
    }

    @Override
    @Nullable Object handle(Object proxy, Method method, Object[] arguments) throws Throwable {
      Object result = pass(method, arguments);
      Class<?> type = method.getReturnType();
      if (type != Object.class && type != Statement.class) {
        return result; // a value, as nearly always: this runs for each column of each row
      }
      if (result instanceof Statement statement) {
        return statement == raw ? audited : session.audited(statement, null);
      }
      return session.audited(result, raw, audited);
    }
  }

  private static final class StatementHandler extends Handler {

    private final Session session;
    private final @Nullable String prepared;

    /** What has been added; for a prepared statement its own text, once for each row. */
    private final List<String> batch = new ArrayList<>();

    private int rows;

    StatementHandler(Statement target, Session session, @Nullable String prepared) {
      super(target);
      this.session = session;
      this.prepared = prepared;
    }

    @Override
    @Nullable Object handle(Object proxy, Method method, Object[] arguments) throws Throwable {
      String name = method.getName();
      if (name.equals("getConnection")) {
        return session.connection();
      } else if (EXECUTIONS.contains(name)) {
        String sql = arguments.length > 0 && arguments[0] instanceof String text ? text : prepared;
        Judged judged = sql == null ? null : judge(sql);
        Object result = pass(method, arguments);
        note(judged);
        return session.audited(result, (Statement) target, proxy);
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
      return session.audited(result, (Statement) target, proxy);
    }

    /** A batch that fails may have run in part, so that it is noted either way. */
    private @Nullable Object runBatch(Method method, Object[] arguments) throws Throwable {
      List<@Nullable Judged> judged = new ArrayList<>();
      for (String sql : batch) {
        judged.add(judge(sql));
      }
      if (prepared != null && rows > 0) {
        judged.addAll(Collections.nCopies(rows, judge(prepared)));
      }
      forget();
      try {
        return pass(method, arguments);
      } finally {
        judged.forEach(this::note);
      }
    }

    private @Nullable Judged judge(String sql) {
      return session.audit().judge(sql, session.raw());
    }

    private void note(@Nullable Judged judged) {
      if (judged != null) {
        session.audit().note(judged);
      }
    }

    private void forget() {
      batch.clear();
      rows = 0;
    }
  }
}
