package io.idem.spring.boot;

import io.idem.core.FailoverStore;
import io.idem.core.FallbackPolicy;
import io.idem.core.InMemoryStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.spring.IdempotencySetupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.util.ClassUtils;

/**
 * The store of leased operations and its fallback, as properties ask for them.
 *
 * <p>Each store has a breaker of its own, if there are to be breakers: one around the pair would
 * never see the failures that the pair hides, and would hold everything back if it did.
 */
record Failover(FailoverStore store, FallbackPolicy policy, StoreBackend fallback)
    implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Failover.class);

  static Failover of(
      IdempotencyStore primary, IdemProperties properties, ConfigurableListableBeanFactory beans) {
    IdemFailoverProperties failover = properties.getFailover();
    if (primary instanceof InMemoryStore) {
      throw new IdempotencySetupException(
          "idem.failover.fallback is set, but keys are kept in the memory of this process, which"
              + " other nodes do not see and which is never down alone.",
          "Set idem.store to jdbc or redis, or remove idem.failover.fallback.");
    }
    if (primary instanceof FailoverStore) {
      throw new IdempotencySetupException(
          "idem.failover.fallback is set, but the application's IdempotencyStore bean is a"
              + " FailoverStore already.",
          "Remove the property, or declare the bean of the primary store only.");
    }
    if (properties.getPurgeEvery().isZero()) {
      throw new IdempotencySetupException(
          "idem.failover.fallback is set, but idem.purge-every is 0: what a store has missed would"
              + " never be made up for.",
          "Set idem.purge-every to more than zero, such as 1m.");
    }
    boolean jdbc = failover.getFallback() == IdemFailoverProperties.Fallback.JDBC;
    ClassLoader classes = beans.getBeanClassLoader();
    Side fallback;
    try {
      fallback =
          jdbc ? jdbc(primary, properties, beans, classes) : redis(properties, beans, classes);
    } catch (IdempotencySetupException e) {
      throw new IdempotencySetupException(
          "The fallback store (idem.failover.fallback) cannot be used. " + e.problem(), e.fix(), e);
    }
    FailoverStore store =
        new FailoverStore(
            Resilience.guarded(primary, properties.getCircuitBreaker(), "idem-primary", classes),
            Resilience.guarded(
                fallback.store, properties.getCircuitBreaker(), "idem-fallback", classes),
            failover.getPolicy());
    log.info(
        "Leased operations have a fallback store in {} {}. It is asked about every key and is {}."
            + " Transactional operations stay with their database alone",
        jdbc ? "a database" : "Redis",
        fallback.backend.details(),
        failover.getPolicy());
    return new Failover(store, failover.getPolicy(), fallback.backend);
  }

  /** A store and what it is made of. */
  private record Side(IdempotencyStore store, StoreBackend backend) {}

  private static Side jdbc(
      IdempotencyStore primary,
      IdemProperties properties,
      ConfigurableListableBeanFactory beans,
      @Nullable ClassLoader classes) {
    if (!ClassUtils.isPresent("org.springframework.jdbc.datasource.DataSourceUtils", classes)
        || !Databases.present(beans)) {
      throw new IdempotencySetupException(
          "It is to be jdbc, but the application has no DataSource, or spring-jdbc is not on the"
              + " class path.",
          "Configure a DataSource (spring.datasource.url), or remove idem.failover.fallback.");
    }
    return Databases.find(primary, properties, beans);
  }

  private static Side redis(
      IdemProperties properties,
      ConfigurableListableBeanFactory beans,
      @Nullable ClassLoader classes) {
    if (!ClassUtils.isPresent("io.idem.redis.LettuceRedis", classes)
        || !ClassUtils.isPresent("io.lettuce.core.RedisClient", classes)
        || !ClassUtils.isPresent(
            "org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory", classes)
        || !Servers.present(beans)) {
      throw new IdempotencySetupException(
          "It is to be redis, but the application has no Lettuce connection factory, or idem-redis"
              + " is not on the class path.",
          "Add idem-redis and spring-boot-starter-data-redis, and configure spring.data.redis.*; or"
              + " remove idem.failover.fallback.");
    }
    if (beans.containsSingleton(IdempotencyRedisAutoConfiguration.BACKEND)) {
      throw new IdempotencySetupException(
          "It is to be redis, but keys are kept in that Redis already.",
          "Configure a DataSource and set idem.store=jdbc, or idem.failover.fallback=jdbc.");
    }
    return Servers.find(properties, beans);
  }

  /** Apart, because the classes it names need not be there. */
  private static final class Databases {

    static boolean present(ConfigurableListableBeanFactory beans) {
      return beans.getBeanNamesForType(javax.sql.DataSource.class).length > 0;
    }

    static Side find(
        IdempotencyStore primary,
        IdemProperties properties,
        ConfigurableListableBeanFactory beans) {
      JdbcBackend backend =
          JdbcBackend.find(
              properties.getJdbc(),
              "idem.failover.data-source",
              properties.getFailover().getDataSource(),
              beans);
      if (primary instanceof JdbcIdempotencyStore
          && beans.containsSingleton(IdempotencyJdbcAutoConfiguration.BACKEND)
          && beans.getBean(IdempotencyJdbcAutoConfiguration.BACKEND, JdbcBackend.class).dataSource()
              == backend.dataSource()) {
        throw new IdempotencySetupException(
            "It is to be jdbc, but keys are kept in that database already.",
            "Name the DataSource bean of another database with idem.failover.data-source, or set"
                + " idem.failover.fallback=redis.");
      }
      return new Side(
          new JdbcIdempotencyStore(backend.dataSource(), backend.dialect(), backend.settings()),
          backend);
    }
  }

  /** Apart for the same reason. */
  private static final class Servers {

    static boolean present(ConfigurableListableBeanFactory beans) {
      return beans.getBeanNamesForType(
                  org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory.class)
              .length
          > 0;
    }

    static Side find(IdemProperties properties, ConfigurableListableBeanFactory beans) {
      RedisBackend backend = RedisBackend.find(properties.getRedis(), beans);
      return new Side(backend.store(), backend);
    }
  }

  @Override
  public void close() {
    fallback.close();
  }
}
