package io.idem.spring.boot;

import io.idem.core.StoreDownPolicy;
import io.idem.core.store.IdempotencyStore;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentMethods;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/**
 * Whether the store can be reached: one look at the catalogue of the database, nothing is written.
 *
 * <p>Without its store, an operation that fails closed cannot run, so the application is down.
 * Where all operations fail open it serves on, without protection.
 */
final class IdempotencyHealthIndicator extends AbstractHealthIndicator {

  private final @Nullable IdempotencyStore store;
  private final @Nullable JdbcBackend backend;
  private final IdempotentMethods methods;

  IdempotencyHealthIndicator(
      @Nullable IdempotencyStore store, @Nullable JdbcBackend backend, IdempotentMethods methods) {
    super("The store of idempotency keys cannot be reached");
    this.store = store;
    this.backend = backend;
    this.methods = methods;
  }

  @Override
  protected void doHealthCheck(Health.Builder health) {
    if (store != null) {
      health.withDetail("store", store.getClass().getSimpleName());
    }
    if (backend == null) {
      health.up();
      return;
    }
    try {
      backend.schema().check();
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
