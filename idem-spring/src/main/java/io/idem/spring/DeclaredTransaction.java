package io.idem.spring;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeansException;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.annotation.BeanFactoryAnnotationUtils;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.annotation.TransactionManagementConfigurer;
import org.springframework.transaction.interceptor.NoRollbackRuleAttribute;
import org.springframework.transaction.interceptor.RuleBasedTransactionAttribute;
import org.springframework.transaction.interceptor.TransactionAttribute;
import org.springframework.transaction.interceptor.TransactionAttributeSource;
import org.springframework.transaction.support.DefaultTransactionDefinition;
import org.springframework.util.StringUtils;

/**
 * What {@code @Transactional} says of a method.
 *
 * @param method the method, as a reader knows it
 * @param attribute what it says
 */
record DeclaredTransaction(String method, TransactionAttribute attribute) {

  /**
   * What is said of a method.
   *
   * @param where the method, as a reader knows it
   * @return null if nothing is
   * @throws IdempotencySetupException if several say different things
   */
  static @Nullable DeclaredTransaction of(
      Method method, Class<?> targetClass, String where, BeanFactory beans) {
    List<TransactionAttribute> attributes =
        beans
            .getBeanProvider(TransactionAttributeSource.class)
            .orderedStream()
            .map(source -> source.getTransactionAttribute(method, targetClass))
            .filter(Objects::nonNull)
            .distinct()
            .toList();
    if (attributes.size() > 1) {
      throw new IdempotencySetupException(
          "The transaction of "
              + where
              + " is described differently by several beans of type TransactionAttributeSource, so"
              + " that nobody knows how its effect is committed: "
              + attributes
              + ".",
          "Leave one of them, or let them say the same about this method.");
    }
    return attributes.isEmpty() ? null : new DeclaredTransaction(where, attributes.get(0));
  }

  /** Whether the method's effect is committed apart from a transaction around the call. */
  boolean isApart() {
    int propagation = attribute.getPropagationBehavior();
    return propagation == TransactionDefinition.PROPAGATION_REQUIRES_NEW
        || propagation == TransactionDefinition.PROPAGATION_NOT_SUPPORTED
        || propagation == TransactionDefinition.PROPAGATION_NEVER;
  }

  boolean isMandatory() {
    return attribute.getPropagationBehavior() == TransactionDefinition.PROPAGATION_MANDATORY;
  }

  /** Whether some exceptions commit. */
  boolean hasNoRollbackRule() {
    return attribute instanceof RuleBasedTransactionAttribute rules
        && rules.getRollbackRules().stream().anyMatch(NoRollbackRuleAttribute.class::isInstance);
  }

  /** Whether a transaction that is begun around the call has to be of the method's own kind. */
  boolean isOfOwnKind() {
    return attribute.getIsolationLevel() != TransactionDefinition.ISOLATION_DEFAULT
        || attribute.getTimeout() != TransactionDefinition.TIMEOUT_DEFAULT
        || isMandatory();
  }

  /** That kind. */
  TransactionDefinition kind(String name) {
    DefaultTransactionDefinition definition = new DefaultTransactionDefinition();
    definition.setIsolationLevel(attribute.getIsolationLevel());
    definition.setTimeout(attribute.getTimeout());
    definition.setName(name);
    if (isMandatory()) {
      definition.setPropagationBehavior(TransactionDefinition.PROPAGATION_MANDATORY);
    }
    return definition;
  }

  /** How a message names a transaction manager of this method. */
  String named(TransactionManager manager) {
    return StringUtils.hasText(attribute.getQualifier())
        ? "'" + attribute.getQualifier() + "'"
        : manager.getClass().getName();
  }

  TransactionManager manager(BeanFactory beans) {
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
