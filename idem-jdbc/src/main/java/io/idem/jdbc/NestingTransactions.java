package io.idem.jdbc;

import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Transactions of Idem's own, of which an inner one is part of the outer one of its thread. */
final class NestingTransactions implements JdbcTransactions {

  private final DataSourceTransactions outer;

  @SuppressWarnings("ThreadLocalUsage") // of these transactions: two data sources do not nest
  private final ThreadLocal<@Nullable Transaction> running = new ThreadLocal<>();

  NestingTransactions(DataSource dataSource) {
    this.outer = new DataSourceTransactions(dataSource);
  }

  @Override
  public DataSource dataSource() {
    return outer.dataSource();
  }

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
      throws X {
    Transaction around = running.get();
    if (around != null) {
      return joined(around, work);
    }
    return outer.inTransaction(
        transaction -> {
          running.set(transaction);
          try {
            return work.run(transaction);
          } finally {
            running.remove();
          }
        });
  }

  private static <R extends @Nullable Object, X extends Throwable> R joined(
      Transaction around, Work<R, X> work) throws X {
    MarkedTransaction inner = new MarkedTransaction(around.connection(), true);
    boolean done = false;
    try {
      R result = work.run(inner);
      done = !inner.isRollbackOnly();
      return result;
    } finally {
      if (!done) {
        around.setRollbackOnly();
      }
    }
  }
}
