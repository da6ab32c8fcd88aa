package io.idem.spring.boot;

import io.idem.core.StoreDownPolicy;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentMethods;
import java.util.List;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/**
 * Whether the store can be reached: one look at the catalogue of the database, or at the servers of
 * Redis; nothing is written.
 *
 * <p>Without its store, an operation that fails closed cannot run, so the application is down.
 * Where all operations fail open it serves on, without protection.
 */
final class IdempotencyHealthIndicator extends AbstractHealthIndicator {

  private static final List<String> BACKENDS =
      List.of(IdempotencyJdbcAutoConfiguration.BACKEND, IdempotencyRedisAutoConfiguration.BACKEND);

  private final ConfigurableListableBeanFactory beans;
  private final IdempotentMethods methods;

  IdempotencyHealthIndicator(ConfigurableListableBeanFactory beans, IdempotentMethods methods) {
    super("The store of idempotency keys cannot be reached");
    this.beans = beans;
    this.methods = methods;
  }

  @Override
  protected void doHealthCheck(Health.Builder health) {
    // Backends are lazy: where the application's own engine does not use one, it is not there.
    StoreBackend backend =
        BACKENDS.stream()
            .filter(beans::containsSingleton)
            .map(name -> beans.getBean(name, StoreBackend.class))
            .findFirst()
            .orElse(null);
    if (backend == null) {
      health.up();
      return;
    }
    health.withDetails(backend.details());
    try {
      backend.check();
      health.up();
    } catch (RuntimeException e) {
      if (failsOpen()) {
        health
            .up()
            .withDetail("protection", "none: the store is down and every operation fails open");
      } else {
        health.down(e);
      }
    }
  }

  private boolean failsOpen() {
    List<IdempotentMethod> all = methods.all();
    return !all.isEmpty()
        && all.stream()
            .allMatch(method -> method.annotation().storeDown() == StoreDownPolicy.FAIL_OPEN);
  }
}
