package io.idem.spring;

import io.idem.core.store.TransactionalStore;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.interceptor.BeanFactoryTransactionAttributeSourceAdvisor;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.util.ClassUtils;

/**
 * What {@code @Transactional} on the same method means for the record, and what of it cannot hold.
 *
 * <p>The record is written around the method: {@code REQUIRED}, {@code SUPPORTS} and {@code NESTED}
 * make the method run in the record's transaction, {@code MANDATORY} makes both run in the
 * caller's.
 */
final class TransactionRules {

  static final boolean SPRING_JDBC =
      ClassUtils.isPresent(
              "org.springframework.jdbc.datasource.DataSourceUtils",
              TransactionRules.class.getClassLoader())
          && ClassUtils.isPresent(
              "io.idem.jdbc.JdbcTransactions", TransactionRules.class.getClassLoader());

  private final BeanFactory beans;

  TransactionRules(BeanFactory beans) {
    this.beans = beans;
  }

  /** A store for the method's own kind of transaction, or null for the engine's. */
  @Nullable TransactionalStore storeFor(IdempotentMethod method) {
    DeclaredTransaction declared = declared(method);
    if (declared == null) {
      return null;
    }
    String what = "@Transactional on " + method;
    checkOrder(method);
    if (declared.isApart()) {
      throw new IdempotencySetupException(
          what
              + " has a propagation that parts the method from the transaction of its"
              + " idempotency record: a crash between the two would lose one of them.",
          "Use Propagation.REQUIRED, or @Idempotent(mode = LEASED) if the effect is not in this"
              + " database.");
    }
    if (declared.attribute().isReadOnly()) {
      throw new IdempotencySetupException(
          what + " is read-only, but the idempotency record is written in the same transaction.",
          "Leave readOnly away. A method that only reads needs no @Idempotent.");
    }
    if (declared.hasNoRollbackRule()) {
      throw new IdempotencySetupException(
          what
              + " commits on some exceptions (noRollbackFor), but a run that throws leaves no"
              + " record, so that a repeat would run again on top of what was committed.",
          "Leave noRollbackFor away: return the rejection as a result, or name the exception in"
              + " @Idempotent(recordFailures = …), which rolls the change back and stores the"
              + " answer.");
    }
    return SPRING_JDBC ? OnSpringStore.storeFor(beans, method, declared) : null;
  }

  void checkLeased(IdempotentMethod method) {
    DeclaredTransaction declared = declared(method);
    if (declared == null) {
      return;
    }
    checkOrder(method);
    if (declared.isMandatory()) {
      throw new IdempotencySetupException(
          "@Transactional on "
              + method
              + " is MANDATORY, so that its outcome would be recorded"
              + " before the caller's transaction commits: a rollback would lose the effect and keep"
              + " the record.",
          "Use @Idempotent(mode = TRANSACTIONAL) with a store in the same database, or annotate the"
              + " method that begins the transaction.");
    }
  }

  /** Whether the method's effect would be committed by a transaction that runs already. */
  boolean joinsRunningTransaction(IdempotentMethod method) {
    DeclaredTransaction declared = declared(method);
    return declared != null && !declared.isApart();
  }

  /** Whether the method says nothing about transactions. */
  boolean isWithoutTransaction(IdempotentMethod method) {
    return declared(method) == null;
  }

  /** Whether the calling thread holds a connection for a running transaction. */
  static boolean holdsConnection() {
    return SPRING_JDBC && isTransactionActive() && OnSpringStore.holdsConnection();
  }

  /**
   * Names the running transaction after an operation that may have begun it, where it has no name.
   */
  static void nameTransaction(String operation) {
    if (TransactionSynchronizationManager.isSynchronizationActive()
        && isTransactionActive()
        && TransactionSynchronizationManager.getCurrentTransactionName() == null) {
      TransactionSynchronizationManager.setCurrentTransactionName(operation);
    }
  }

  static boolean isTransactionActive() {
    return TransactionSynchronizationManager.isActualTransactionActive();
  }

  private @Nullable DeclaredTransaction declared(IdempotentMethod method) {
    return DeclaredTransaction.of(method.method(), method.targetClass(), method.toString(), beans);
  }

  private void checkOrder(IdempotentMethod method) {
    List<BeanFactoryTransactionAttributeSourceAdvisor> advisors =
        beans
            .getBeanProvider(BeanFactoryTransactionAttributeSourceAdvisor.class)
            .orderedStream()
            .toList();
    for (BeanFactoryTransactionAttributeSourceAdvisor advisor : advisors) {
      if (advisor.getOrder() <= IdempotentAdvisor.ORDER) {
        throw new IdempotencySetupException(
            "@Transactional is applied around @Idempotent on "
                + method
                + ", because its advisor has"
                + " the order "
                + advisor.getOrder()
                + ": the transaction would end after the"
                + " outcome was recorded.",
            "Leave @EnableTransactionManagement(order = …) at its default, the lowest precedence.");
      }
    }
  }

  /** Apart, because the classes it names need not be there. */
  private static final class OnSpringStore {

    static boolean holdsConnection() {
      return TransactionSynchronizationManager.getResourceMap().values().stream()
          .anyMatch(ConnectionHolder.class::isInstance);
    }

    static @Nullable TransactionalStore storeFor(
        BeanFactory beans, IdempotentMethod method, DeclaredTransaction declared) {
      SpringTransactionalStore store =
          beans.getBeanProvider(SpringTransactionalStore.class).getIfUnique();
      if (store == null) {
        if (declared.isOfOwnKind()) {
          throw new IdempotencySetupException(
              "@Transactional on "
                  + method
                  + " asks for an isolation, a timeout or MANDATORY, but"
                  + " the transactional store of the engine takes no such wish.",
              "Declare the store as a bean of type io.idem.spring.SpringTransactionalStore, or leave"
                  + " these attributes away.");
        }
        return null;
      }
      TransactionManager manager = declared.manager(beans);
      if (manager != store.transactionManager()) {
        throw new IdempotencySetupException(
            "@Transactional on "
                + method
                + " uses the transaction manager "
                + declared.named(manager)
                + ", which is not the one of Idem's records: record and effect would be committed"
                + " apart.",
            "Use the transaction manager of the records (idem.jdbc.transaction-manager with Spring"
                + " Boot), or @Idempotent(mode = LEASED).");
      }
      return declared.isOfOwnKind() ? store.with(declared.kind(method.operation())) : null;
    }
  }
}
