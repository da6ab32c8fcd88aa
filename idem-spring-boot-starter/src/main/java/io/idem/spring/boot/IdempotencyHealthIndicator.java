package io.idem.spring.boot;

import io.idem.core.FallbackPolicy;
import io.idem.core.StoreDownPolicy;
import io.idem.core.store.TransactionalStore;
import io.idem.redis.RedisIdempotencyStore;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentMethods;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.util.ClassUtils;

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

  private static final boolean REDIS =
      ClassUtils.isPresent(
          "io.idem.redis.RedisIdempotencyStore", IdempotencyHealthIndicator.class.getClassLoader());

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
    StoreBackend own = REDIS ? OwnRedis.of(beans) : null;
    if (beans.containsSingleton(IdempotencyFailoverAutoConfiguration.FAILOVER)) {
      Failover failover =
          beans.getBean(IdempotencyFailoverAutoConfiguration.FAILOVER, Failover.class);
      bothStores(health, backend != null ? backend : own, failover);
      return;
    }
    if (backend != null && own != null) {
      eachStore(health, backend, own);
      return;
    }
    if (backend == null) {
      backend = own;
    }
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

  /**
   * Where leased operations have a store of the application's and transactional ones the database,
   * the application needs both, unless all that is declared leased fails open.
   */
  private void eachStore(Health.Builder health, StoreBackend transactional, StoreBackend leased) {
    RuntimeException transactionalFailure = look(health, "transactional", transactional);
    RuntimeException leasedFailure = look(health, "leased", leased);
    if (transactionalFailure != null) {
      health.down(transactionalFailure);
    } else if (leasedFailure == null) {
      health.up();
    } else if (leasedFailOpen()) {
      health
          .up()
          .withDetail(
              "protection",
              "of transactional operations alone: the store of leased ones is down, and every one of"
                  + " them fails open");
    } else {
      health.down(leasedFailure);
    }
  }

  private boolean leasedFailOpen() {
    List<IdempotentMethod> leased =
        methods.all().stream()
            .filter(method -> method.annotation().mode() == Idempotent.Mode.LEASED)
            .toList();
    return !leased.isEmpty() && failOpen(leased);
  }

  /**
   * With a fallback, the application is up as long as keys can be granted: by the fallback, or by
   * the primary alone if the fallback is optional. Transactional operations need the primary.
   */
  private void bothStores(
      Health.Builder health, @Nullable StoreBackend primary, Failover failover) {
    RuntimeException primaryFailure = look(health, "primary", primary);
    RuntimeException fallbackFailure = look(health, "fallback", failover.fallback());
    RuntimeException failure = null;
    if (fallbackFailure != null
        && (failover.policy() == FallbackPolicy.REQUIRED || primaryFailure != null)) {
      failure = fallbackFailure;
    }
    if (primaryFailure != null && needsTransactions()) {
      health.down(primaryFailure);
    } else if (failure != null && failsOpen()) {
      health
          .up()
          .withDetail("protection", "none: the store is down and every operation fails open");
    } else if (failure != null) {
      health.down(failure);
    } else if (primaryFailure != null) {
      health.up().withDetail("protection", "by the fallback alone: the primary does not answer");
    } else if (fallbackFailure != null) {
      health.up().withDetail("protection", "by the primary alone: the fallback does not answer");
    } else {
      health.up();
    }
  }

  private static @Nullable RuntimeException look(
      Health.Builder health, String role, @Nullable StoreBackend backend) {
    if (backend == null) {
      return null; // the application's own store, which nobody can look into
    }
    RuntimeException failure = null;
    try {
      backend.check();
    } catch (RuntimeException e) {
      failure = e;
    }
    Map<String, Object> details = new TreeMap<>(backend.details());
    details.put("answers", failure == null);
    health.withDetail(role, details);
    return failure;
  }

  private boolean needsTransactions() {
    return beans.getBeanNamesForType(TransactionalStore.class, true, false).length > 0
        && methods.all().stream()
            .anyMatch(method -> method.annotation().mode() != Idempotent.Mode.LEASED);
  }

  private boolean failsOpen() {
    List<IdempotentMethod> all = methods.all();
    return !all.isEmpty() && failOpen(all);
  }

  private static boolean failOpen(List<IdempotentMethod> those) {
    return those.stream()
        .allMatch(method -> method.annotation().storeDown() == StoreDownPolicy.FAIL_OPEN);
  }

  /** Apart, because the classes it names need not be there. */
  private static final class OwnRedis {

    /** The Redis that the application has declared a store on, if it is made. */
    static @Nullable StoreBackend of(ConfigurableListableBeanFactory beans) {
      boolean made =
          Arrays.stream(beans.getBeanNamesForType(RedisIdempotencyStore.class, true, false))
              .anyMatch(
                  name ->
                      !name.equals(IdempotencyRedisAutoConfiguration.STORE)
                          && beans.containsSingleton(name));
      RedisIdempotencyStore store =
          made ? beans.getBeanProvider(RedisIdempotencyStore.class).getIfUnique() : null;
      return store == null ? null : new Declared(store);
    }

    private record Declared(RedisIdempotencyStore store) implements StoreBackend {

      @Override
      public Map<String, Object> details() {
        return Map.of("store", "Redis, declared by the application");
      }

      @Override
      public void check() {
        store.check();
      }
    }
  }
}
