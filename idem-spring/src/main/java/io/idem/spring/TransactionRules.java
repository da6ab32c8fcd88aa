package io.idem.spring;

import io.idem.core.store.TransactionalStore;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeansException;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.annotation.BeanFactoryAnnotationUtils;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.annotation.TransactionManagementConfigurer;
import org.springframework.transaction.interceptor.BeanFactoryTransactionAttributeSourceAdvisor;
import org.springframework.transaction.interceptor.NoRollbackRuleAttribute;
import org.springframework.transaction.interceptor.RuleBasedTransactionAttribute;
import org.springframework.transaction.interceptor.TransactionAttribute;
import org.springframework.transaction.interceptor.TransactionAttributeSource;
import org.springframework.transaction.support.DefaultTransactionDefinition;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.util.ClassUtils;
import org.springframework.util.StringUtils;

/**
 * What {@code @Transactional} on the same method means for the record, and what of it cannot hold.
 *
 * <p>The record is written around the method: {@code REQUIRED}, {@code SUPPORTS} and {@code NESTED}
 * make the method run in the record's transaction, {@code MANDATORY} makes both run in the
 * caller's.
 */
final class TransactionRules {

  private static final boolean SPRING_JDBC =
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
    TransactionAttribute attribute = attribute(method);
    if (attribute == null) {
      return null;
    }
    String what = "@Transactional on " + method;
    checkOrder(method);
    switch (attribute.getPropagationBehavior()) {
      case TransactionDefinition.PROPAGATION_REQUIRES_NEW,
          TransactionDefinition.PROPAGATION_NOT_SUPPORTED,
          TransactionDefinition.PROPAGATION_NEVER ->
          throw new IdempotencySetupException(
              what
                  + " has a propagation that parts the method from the transaction of its"
                  + " idempotency record: a crash between the two would lose one of them.",
              "Use Propagation.REQUIRED, or @Idempotent(mode = LEASED) if the effect is not in this"
                  + " database.");
      default -> {}
    }
    if (attribute.isReadOnly()) {
      throw new IdempotencySetupException(
          what + " is read-only, but the idempotency record is written in the same transaction.",
          "Leave readOnly away. A method that only reads needs no @Idempotent.");
    }
    if (hasNoRollbackRule(attribute)) {
      throw new IdempotencySetupException(
          what
              + " commits on some exceptions (noRollbackFor), but a run that throws leaves no"
              + " record, so that a repeat would run again on top of what was committed.",
          "Leave noRollbackFor away: return the rejection as a result, or name the exception in"
              + " @Idempotent(recordFailures = …), which rolls the change back and stores the"
              + " answer.");
    }
    return SPRING_JDBC ? OnSpringStore.storeFor(this, method, attribute) : null;
  }

  void checkLeased(IdempotentMethod method) {
    TransactionAttribute attribute = attribute(method);
    if (attribute == null) {
      return;
    }
    checkOrder(method);
    if (attribute.getPropagationBehavior() == TransactionDefinition.PROPAGATION_MANDATORY) {
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
    TransactionAttribute attribute = attribute(method);
    return attribute != null
        && attribute.getPropagationBehavior() != TransactionDefinition.PROPAGATION_REQUIRES_NEW
        && attribute.getPropagationBehavior() != TransactionDefinition.PROPAGATION_NOT_SUPPORTED
        && attribute.getPropagationBehavior() != TransactionDefinition.PROPAGATION_NEVER;
  }

  /** Whether the method says nothing about transactions. */
  boolean isWithoutTransaction(IdempotentMethod method) {
    return attribute(method) == null;
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

  private @Nullable TransactionAttribute attribute(IdempotentMethod method) {
    List<TransactionAttribute> attributes =
        beans
            .getBeanProvider(TransactionAttributeSource.class)
            .orderedStream()
            .map(source -> source.getTransactionAttribute(method.method(), method.targetClass()))
            .filter(Objects::nonNull)
            .distinct()
            .toList();
    if (attributes.size() > 1) {
      throw new IdempotencySetupException(
          "The transaction of "
              + method
              + " is described differently by several beans of type TransactionAttributeSource, so"
              + " that nobody knows how its effect is committed: "
              + attributes
              + ".",
          "Leave one of them, or let them say the same about this method.");
    }
    return attributes.isEmpty() ? null : attributes.get(0);
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

  private static boolean hasNoRollbackRule(TransactionAttribute attribute) {
    return attribute instanceof RuleBasedTransactionAttribute rules
        && rules.getRollbackRules().stream().anyMatch(NoRollbackRuleAttribute.class::isInstance);
  }

  /** Apart, because the classes it names need not be there. */
  private static final class OnSpringStore {

    static boolean holdsConnection() {
      return TransactionSynchronizationManager.getResourceMap().values().stream()
          .anyMatch(ConnectionHolder.class::isInstance);
    }

    static @Nullable TransactionalStore storeFor(
        TransactionRules rules, IdempotentMethod method, TransactionAttribute attribute) {
      SpringTransactionalStore store =
          rules.beans.getBeanProvider(SpringTransactionalStore.class).getIfUnique();
      boolean ownKind =
          attribute.getIsolationLevel() != TransactionDefinition.ISOLATION_DEFAULT
              || attribute.getTimeout() != TransactionDefinition.TIMEOUT_DEFAULT
              || attribute.getPropagationBehavior() == TransactionDefinition.PROPAGATION_MANDATORY;
      if (store == null) {
        if (ownKind) {
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
      TransactionManager manager = rules.managerOf(method, attribute);
      if (manager != store.transactionManager()) {
        throw new IdempotencySetupException(
            "@Transactional on "
                + method
                + " uses the transaction manager "
                + (StringUtils.hasText(attribute.getQualifier())
                    ? "'" + attribute.getQualifier() + "'"
                    : manager.getClass().getName())
                + ", which is not the one of Idem's records: record and effect would be committed"
                + " apart.",
            "Use the transaction manager of the records (idem.jdbc.transaction-manager with Spring"
                + " Boot), or @Idempotent(mode = LEASED).");
      }
      if (!ownKind) {
        return null;
      }
      DefaultTransactionDefinition definition = new DefaultTransactionDefinition();
      definition.setIsolationLevel(attribute.getIsolationLevel());
      definition.setTimeout(attribute.getTimeout());
      definition.setName(method.operation());
      if (attribute.getPropagationBehavior() == TransactionDefinition.PROPAGATION_MANDATORY) {
        definition.setPropagationBehavior(TransactionDefinition.PROPAGATION_MANDATORY);
      }
      return store.with(definition);
    }
  }

  private TransactionManager managerOf(IdempotentMethod method, TransactionAttribute attribute) {
    try {
      String qualifier = attribute.getQualifier();
      if (StringUtils.hasText(qualifier)) {
        return BeanFactoryAnnotationUtils.qualifiedBeanOfType(
            (ListableBeanFactory) beans, TransactionManager.class, qualifier);
      }
      TransactionManagementConfigurer configurer =
          beans.getBeanProvider(TransactionManagementConfigurer.class).getIfUnique();
      return configurer != null
          ? configurer.annotationDrivenTransactionManager()
          : beans.getBean(TransactionManager.class);
    } catch (BeansException e) {
      throw new IdempotencySetupException(
          "The transaction manager of @Transactional on " + method + " cannot be found.",
          "Name it in @Transactional(transactionManager = …), or mark one as @Primary.",
          e);
    }
  }
}
