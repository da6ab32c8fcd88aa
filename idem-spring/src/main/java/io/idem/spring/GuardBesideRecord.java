package io.idem.spring;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.util.ClassUtils;

/**
 * A {@link GuardedTransition} on a transactional {@link Idempotent} method: the record is committed
 * with the transition, or both are not.
 */
final class GuardBesideRecord {

  private static final boolean GUARDS =
      ClassUtils.isPresent(
          "io.idem.guard.jdbc.StateGuard", GuardBesideRecord.class.getClassLoader());

  private GuardBesideRecord() {}

  /**
   * Holds the transaction of a method's record against that of its guard.
   *
   * @param method a method whose operation is transactional
   * @throws IdempotencySetupException if they are of two transaction managers
   */
  static void requireOneTransaction(IdempotentMethod method, BeanFactory beans) {
    if (TransactionRules.SPRING_JDBC && GUARDS && beans instanceof ListableBeanFactory listable) {
      OnSpringStore.require(method, listable);
    }
  }

  /** Apart, because the classes it names need not be there. */
  private static final class OnSpringStore {

    static void require(IdempotentMethod method, ListableBeanFactory beans) {
      GuardedMethod guarded = GuardedMethod.find(method.method(), method.targetClass());
      SpringTransactionalStore store =
          guarded == null
              ? null
              : beans.getBeanProvider(SpringTransactionalStore.class).getIfUnique();
      if (guarded == null || store == null) {
        return;
      }
      PlatformTransactionManager ofRecord = store.transactionManager();
      @Nullable PlatformTransactionManager ofGuard =
          GuardedCalls.of(guarded, beans).guard().transactions()
                  instanceof SpringJdbcTransactions transactions
              ? transactions.transactionManager()
              : null;
      if (ofGuard != ofRecord) {
        throw new IdempotencySetupException(
            method
                + " is @Idempotent and a @GuardedTransition, but its record is written in"
                + " transactions of "
                + named(ofRecord, beans)
                + ", and its transition is made in transactions of "
                + named(ofGuard, beans)
                + ": a crash between the two would leave one without the other.",
            "Give both the same DataSource and transaction manager (idem.jdbc.data-source and"
                + " idem.guard.data-source with Spring Boot), or declare @Idempotent(mode ="
                + " LEASED).");
      }
    }

    private static String named(
        @Nullable PlatformTransactionManager manager, ListableBeanFactory beans) {
      return Arrays.stream(beans.getBeanNamesForType(PlatformTransactionManager.class))
          .filter(name -> beans.getBean(name) == manager)
          .findFirst()
          .map(name -> "'" + name + "'")
          .orElse("a transaction manager that is no bean");
    }
  }
}
