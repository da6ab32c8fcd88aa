package io.idem.spring.boot;

import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.TransactionalStore;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;

/**
 * Says at start-up which stores of the application's the engine has, and which operations go where.
 * Idem's own are said by the configurations that make them.
 */
final class StoresInUse {

  private StoresInUse() {}

  /** Logs a line where a store is the application's own. */
  static void tell(
      Logger log,
      IdempotencyStore store,
      @Nullable TransactionalStore transactional,
      ConfigurableListableBeanFactory beans) {
    boolean ownStore =
        !isOneOf(
            beans,
            store,
            IdempotencyJdbcAutoConfiguration.STORE,
            IdempotencyRedisAutoConfiguration.STORE,
            IdempotencyAutoConfiguration.MEMORY);
    boolean ownTransactional =
        transactional != null
            && !isOneOf(beans, transactional, IdempotencyJdbcAutoConfiguration.TRANSACTIONAL_STORE);
    if (ownStore && transactional == null) {
      log.info(
          "Idempotency keys are kept in the application's own store ({}). Operations are leased",
          nameOf(store));
    } else if (ownStore || ownTransactional) {
      log.info(
          "Idempotency keys of leased operations are kept in {}, those of transactional operations in"
              + " {}. An operation that does not say its mode is transactional",
          ownStore ? own(store) : "the store named above",
          ownTransactional ? own(transactional) : table(beans));
    }
  }

  private static String own(@Nullable Object store) {
    return "the application's own store (" + nameOf(store) + ")";
  }

  private static String nameOf(@Nullable Object store) {
    return store == null ? "none" : AopUtils.getTargetClass(store).getName();
  }

  private static String table(ConfigurableListableBeanFactory beans) {
    StoreBackend backend =
        beans.getBean(IdempotencyJdbcAutoConfiguration.BACKEND, StoreBackend.class);
    return "the table "
        + backend.details().get("table")
        + " ("
        + backend.details().get("database")
        + ")";
  }

  private static boolean isOneOf(
      ConfigurableListableBeanFactory beans, Object store, String... names) {
    return Arrays.stream(names)
        .anyMatch(name -> beans.containsSingleton(name) && beans.getSingleton(name) == store);
  }
}
