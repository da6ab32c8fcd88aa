package io.idem.spring;

import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.JdbcTransactions;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.jdbc.CannotGetJdbcConnectionException;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.jdbc.support.SQLExceptionTranslator;
import org.springframework.jdbc.support.SQLStateSQLExceptionTranslator;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.TransactionUsageException;
import org.springframework.transaction.support.DefaultTransactionDefinition;
import org.springframework.transaction.support.ResourceTransactionManager;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;

/**
 * Transactions of Spring's transaction manager, on the connection that it has bound to the thread.
 *
 * <ol>
 *   <li>The running Spring transaction is joined; where there is none, one is begun.
 *   <li>The connection is the transaction's own. One that the transaction manager does not manage
 *       is refused, never replaced by a second.
 *   <li>Every {@code Throwable} rolls back, checked exceptions as well: the record of a run that
 *       threw must not be committed. A joined transaction is marked, and its owner cannot commit.
 * </ol>
 *
 * <p>A failure to begin is a {@link StoreUnavailableException}; work that PostgreSQL would roll
 * back instead of committing it is a {@link io.idem.core.store.CommitRefusedException}, also in a
 * joined transaction, whose owner cannot commit then; a failure to commit is Spring's own
 * exception, such as {@link org.springframework.transaction.UnexpectedRollbackException} or {@link
 * DataIntegrityViolationException}. Works with {@code DataSourceTransactionManager}, {@code
 * JdbcTransactionManager}, and {@code JpaTransactionManager} where its dialect exposes the JDBC
 * connection. Thread-safe.
 */
public final class SpringJdbcTransactions implements JdbcTransactions {

  private static final Logger log = LoggerFactory.getLogger("io.idem.spring");

  private static final String KAFKA =
      "org.springframework.kafka.transaction.KafkaAwareTransactionManager";

  private static final SQLExceptionTranslator REFUSALS = new SQLStateSQLExceptionTranslator();

  private final Set<String> warned = ConcurrentHashMap.newKeySet();
  private final PlatformTransactionManager transactionManager;
  private final DataSource dataSource;
  private final TransactionDefinition definition;

  /**
   * Transactions with the defaults of the transaction manager.
   *
   * @param transactionManager who runs them
   * @param dataSource the database of the records
   * @throws IdempotencySetupException if the transaction manager works on another data source
   */
  public SpringJdbcTransactions(
      PlatformTransactionManager transactionManager, DataSource dataSource) {
    this(transactionManager, dataSource, new DefaultTransactionDefinition());
  }

  /**
   * Transactions of a kind.
   *
   * @param transactionManager who runs them
   * @param dataSource the database of the records
   * @param definition isolation, timeout and name of a transaction that is begun; the propagation
   *     is {@code REQUIRED} or {@code MANDATORY}
   * @throws IdempotencySetupException if the transaction manager works on another data source, or
   *     another propagation is asked for
   */
  public SpringJdbcTransactions(
      PlatformTransactionManager transactionManager,
      DataSource dataSource,
      TransactionDefinition definition) {
    int propagation = definition.getPropagationBehavior();
    if (propagation != TransactionDefinition.PROPAGATION_REQUIRED
        && propagation != TransactionDefinition.PROPAGATION_MANDATORY) {
      throw new IdempotencySetupException(
          "A record is written in the transaction of its effect, which the propagation behaviour "
              + propagation
              + " would part.",
          "Use PROPAGATION_REQUIRED or PROPAGATION_MANDATORY.");
    }
    this.transactionManager = transactionManager;
    this.definition = new DefaultTransactionDefinition(definition);
    this.dataSource = boundDataSource(transactionManager, dataSource);
  }

  /**
   * Whether a transaction manager works on a data source, proxies seen through.
   *
   * @param transactionManager the transaction manager
   * @param dataSource the data source
   * @return false if it is known to work on something else
   */
  public static boolean worksOn(
      PlatformTransactionManager transactionManager, DataSource dataSource) {
    DataSource managed = managedDataSource(transactionManager);
    return managed == null
        ? !(transactionManager instanceof ResourceTransactionManager
            || isOfKafka(transactionManager))
        : unwrap(managed).equals(unwrap(dataSource));
  }

  /** Its transaction manager is none of resources, and need not be on the class path. */
  private static boolean isOfKafka(PlatformTransactionManager manager) {
    return ClassUtils.getAllInterfacesForClassAsSet(manager.getClass()).stream()
        .anyMatch(type -> type.getName().equals(KAFKA));
  }

  /** The data source under whose name the transaction manager binds its connections. */
  private static DataSource boundDataSource(
      PlatformTransactionManager transactionManager, DataSource dataSource) {
    if (!worksOn(transactionManager, dataSource)) {
      throw new IdempotencySetupException(
          "The transaction manager "
              + transactionManager.getClass().getName()
              + " does not work on the data source of Idem's records, so that a record and its effect"
              + " would be committed apart.",
          "Give the records the data source of that transaction manager, or name the transaction"
              + " manager of their data source (idem.jdbc.data-source and"
              + " idem.jdbc.transaction-manager with Spring Boot).");
    }
    DataSource managed = managedDataSource(transactionManager);
    DataSource bound = managed != null ? managed : dataSource;
    while (bound instanceof TransactionAwareDataSourceProxy proxy
        && proxy.getTargetDataSource() != null) {
      bound = proxy.getTargetDataSource();
    }
    return bound;
  }

  private static @Nullable DataSource managedDataSource(PlatformTransactionManager manager) {
    if (manager instanceof ResourceTransactionManager resources
        && resources.getResourceFactory() instanceof DataSource managed) {
      return managed;
    }
    // JpaTransactionManager: its resource is the entity manager factory.
    Method getter = ClassUtils.getMethodIfAvailable(manager.getClass(), "getDataSource");
    if (getter != null && DataSource.class.isAssignableFrom(getter.getReturnType())) {
      return (DataSource) ReflectionUtils.invokeMethod(getter, manager);
    }
    return null;
  }

  private static DataSource unwrap(DataSource dataSource) {
    DataSource target = dataSource;
    while (target instanceof DelegatingDataSource proxy && proxy.getTargetDataSource() != null) {
      target = proxy.getTargetDataSource();
    }
    return target;
  }

  /**
   * The same transactions, begun in another way.
   *
   * @param other isolation, timeout and name of a transaction that is begun; the propagation is
   *     {@code REQUIRED} or {@code MANDATORY}
   */
  SpringJdbcTransactions with(TransactionDefinition other) {
    return new SpringJdbcTransactions(transactionManager, dataSource, other);
  }

  /** The same transactions, with a name for the log where they have none. */
  SpringJdbcTransactions named(String name) {
    if (definition.getName() != null) {
      return this;
    }
    DefaultTransactionDefinition named = new DefaultTransactionDefinition(definition);
    named.setName(name);
    return with(named);
  }

  PlatformTransactionManager transactionManager() {
    return transactionManager;
  }

  @Override
  public DataSource dataSource() {
    return dataSource;
  }

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
      throws X {
    TransactionStatus status = begin();
    R result;
    try {
      Connection connection = connection();
      try {
        result = work.run(new SpringTransaction(status, connection));
        if (!status.isRollbackOnly()) {
          JdbcTransactions.requireCommittable(connection);
        }
      } finally {
        DataSourceUtils.releaseConnection(connection, dataSource);
      }
    } catch (Throwable failure) {
      rollback(status, failure);
      throw failure;
    }
    commit(status);
    return result;
  }

  /** Commits, or rolls back where the status asks for it. */
  private void commit(TransactionStatus status) {
    try {
      transactionManager.commit(status);
    } catch (TransactionSystemException e) {
      // A DataSourceTransactionManager's way of telling anything. A broken constraint is no matter
      // of the system, and others tell it as a statement that breaks one does.
      if (e.getCause() instanceof SQLException refusal
          && REFUSALS.translate("Commit", null, refusal)
              instanceof DataIntegrityViolationException broken) {
        broken.addSuppressed(e);
        throw broken;
      }
      throw e;
    }
  }

  private TransactionStatus begin() {
    try {
      TransactionStatus status = transactionManager.getTransaction(definition);
      if (status.isNewTransaction()
          && TransactionSynchronizationManager.isSynchronizationActive()) {
        TransactionSynchronizationManager.registerSynchronization(new PartsSeen(this));
      }
      return status;
    } catch (TransactionUsageException e) {
      throw e; // says what the caller did wrong, not what the database has
    } catch (TransactionException e) {
      String name = definition.getName();
      throw new StoreUnavailableException(
          "No transaction could be begun"
              + (name == null ? "" : " for '" + name + "'")
              + ": is the database up, and its pool large enough?",
          e);
    }
  }

  private Connection connection() {
    Connection connection;
    try {
      connection = DataSourceUtils.getConnection(dataSource);
    } catch (CannotGetJdbcConnectionException e) {
      throw new StoreUnavailableException("The running transaction gives no connection", e);
    }
    if (!DataSourceUtils.isConnectionTransactional(connection, dataSource)) {
      DataSourceUtils.releaseConnection(connection, dataSource);
      throw new IllegalStateException(
          "The transaction manager "
              + transactionManager.getClass().getName()
              + " runs a transaction, but binds no connection of its data source to the thread: give"
              + " it one that exposes its JDBC connection (for JPA, a JpaDialect or"
              + " JpaVendorAdapter, and the data source)");
    }
    return connection;
  }

  private void rollback(TransactionStatus status, Throwable failure) {
    String name = nameOfRunning();
    try {
      if (!status.isCompleted()) {
        status.setRollbackOnly();
        transactionManager.rollback(status);
      }
    } catch (RuntimeException | Error e) {
      // Not every failure takes a suppressed one, and this one must be seen.
      log.error(
          "{} could not be rolled back after a {}. If the connection is still open, the transaction"
              + " holds its locks until the database or the pool ends it",
          name,
          failure.getClass().getName(),
          e);
      failure.addSuppressed(e);
    }
  }

  /** What runs, for a reader of the log: an operation, where it is known. */
  private String nameOfRunning() {
    String running = TransactionSynchronizationManager.getCurrentTransactionName();
    String name = running != null ? running : definition.getName();
    return name == null
        ? "A transactional operation"
        : "The transactional operation '" + name + "'";
  }

  private void seeSuspended() {
    String name = nameOfRunning();
    if (warned.add(name)) {
      log.warn(
          "{} was suspended for work in another transaction, or in none (REQUIRES_NEW,"
              + " NOT_SUPPORTED, or a second transaction manager). That work is not atomic with the"
              + " record or guarded row of this one: it stays when this transaction is rolled back,"
              + " and a repeat does it again. Let it join the transaction (Propagation.REQUIRED), move it to"
              + " where the call has returned, or make it an @Idempotent operation of its own. This"
              + " is logged once for each operation",
          name);
    }
  }

  /** Hears of a part that leaves the transaction that Idem has begun. */
  private record PartsSeen(SpringJdbcTransactions transactions)
      implements TransactionSynchronization {

    @Override
    public void suspend() {
      transactions.seeSuspended();
    }
  }

  private record SpringTransaction(TransactionStatus status, Connection connection)
      implements Transaction {

    @Override
    public boolean isJoined() {
      return !status.isNewTransaction();
    }

    @Override
    public void flush() {
      status.flush();
    }

    @Override
    public void setRollbackOnly() {
      status.setRollbackOnly();
    }

    @Override
    public boolean isRollbackOnly() {
      return status.isRollbackOnly();
    }
  }
}
