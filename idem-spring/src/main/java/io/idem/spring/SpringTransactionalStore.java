package io.idem.spring;

import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.TransactionalStore;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import java.time.Duration;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.DefaultTransactionDefinition;

/**
 * Records in the application's own database, written in the transactions of its transaction
 * manager.
 *
 * <p>A {@link JdbcTransactionalStore} that knows its transaction manager, so that an operation can
 * have transactions of a kind of its own. Thread-safe.
 */
public final class SpringTransactionalStore implements TransactionalStore, ExpiredEntries {

  private final PlatformTransactionManager transactionManager;
  private final DataSource dataSource;
  private final Dialect dialect;
  private final JdbcSettings settings;
  private final JdbcTransactionalStore delegate;

  /**
   * Creates a store.
   *
   * @param transactionManager who runs the transactions
   * @param dataSource the database of the records, and of the effects
   * @param dialect which database it is
   * @param settings how records are kept
   * @throws IdempotencySetupException if the transaction manager works on another data source
   */
  public SpringTransactionalStore(
      PlatformTransactionManager transactionManager,
      DataSource dataSource,
      Dialect dialect,
      JdbcSettings settings) {
    this.transactionManager = transactionManager;
    this.dataSource = dataSource;
    this.dialect = dialect;
    this.settings = settings;
    this.delegate = on(new DefaultTransactionDefinition());
  }

  /**
   * A store on the same records, with transactions of another kind.
   *
   * @param definition isolation, timeout and name of a transaction that is begun
   * @return the store
   * @throws IdempotencySetupException if the propagation would part a record from its effect
   */
  public TransactionalStore with(TransactionDefinition definition) {
    JdbcTransactionalStore other = on(definition);
    // Hides its purge: this store's is enough.
    return new TransactionalStore() {
      @Override
      public <R extends @Nullable Object, X extends Throwable> R inTransaction(
          TransactionWork<R, X> work) throws X {
        return other.inTransaction(work);
      }

      @Override
      public Object recordTarget() {
        return other.purgeTarget();
      }
    };
  }

  private JdbcTransactionalStore on(TransactionDefinition definition) {
    return new JdbcTransactionalStore(
        new SpringJdbcTransactions(transactionManager, dataSource, definition), dialect, settings);
  }

  /**
   * Who runs the transactions.
   *
   * @return the transaction manager
   */
  public PlatformTransactionManager transactionManager() {
    return transactionManager;
  }

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(
      TransactionWork<R, X> work) throws X {
    return delegate.inTransaction(work);
  }

  @Override
  public int purgeExpired(int limit) {
    return delegate.purgeExpired(limit);
  }

  @Override
  public Optional<Duration> purgeLag() {
    return delegate.purgeLag();
  }

  @Override
  public Object purgeTarget() {
    return delegate.purgeTarget();
  }
}
