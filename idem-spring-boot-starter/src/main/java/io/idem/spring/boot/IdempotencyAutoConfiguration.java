package io.idem.spring.boot;

import io.idem.core.DecisionListener;
import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.core.ResultCodecFactory;
import io.idem.core.store.AnswerCache;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.TransactionalStore;
import io.idem.spring.IdempotencyConfiguration;
import io.idem.spring.IdempotencyDefaults;
import io.idem.spring.IdempotencyProxies;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.JacksonResultCodecFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.util.ClassUtils;

/** Auto-configuration of the engine, and of what makes {@code @Idempotent} work. */
@AutoConfiguration(
    after = {IdempotencyJdbcAutoConfiguration.class, IdempotencyRedisAutoConfiguration.class})
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@EnableConfigurationProperties(IdemProperties.class)
@Import({IdempotencyProxies.class, IdempotencyConfiguration.class})
public final class IdempotencyAutoConfiguration {

  /** The name of the bean of the store in memory. */
  static final String MEMORY = "idempotencyInMemoryStore";

  private static final Logger log = LoggerFactory.getLogger(IdempotencyAutoConfiguration.class);

  /** Creates the configuration. */
  IdempotencyAutoConfiguration() {}

  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean
  Idempotency idempotency(
      IdemProperties properties,
      IdempotencyDefaults defaults,
      IdempotencyStore store,
      ObjectProvider<Failover> failover,
      ObjectProvider<TransactionalStore> transactionalStore,
      ResultCodecFactory codecs,
      ObjectProvider<AnswerCache> answerCache,
      ObjectProvider<DecisionListener> listeners,
      ConfigurableListableBeanFactory beans) {
    ClassLoader classes = beans.getBeanClassLoader();
    Failover pair = failover.getIfAvailable();
    Idempotency.Builder builder =
        Idempotency.builder()
            .namespace(properties.getNamespace())
            .store(
                pair != null
                    ? pair.store()
                    : Resilience.guarded(store, properties.getCircuitBreaker(), "idem", classes))
            .codecs(codecs)
            .retention(defaults.retention())
            .lease(defaults.lease())
            .waitAtMost(defaults.waitAtMost())
            .maxWaiters(properties.getMaxWaiters())
            .blockingThreads(blockingThreads(properties))
            .purgeEvery(properties.getPurgeEvery());
    TransactionalStore transactional = transactionalStore.getIfAvailable();
    if (transactional != null) {
      builder.transactionalStore(transactional);
    }
    StoresInUse.tell(log, store, transactional, beans);
    AnswerCache cache =
        answerCache.getIfAvailable(
            () -> Resilience.answerCache(properties.getAnswerCache(), classes));
    if (cache != null) {
      builder.answerCache(cache);
    }
    listeners.orderedStream().forEach(builder::listener);
    return builder.build();
  }

  private static int blockingThreads(IdemProperties properties) {
    int threads = properties.getBlockingThreads();
    if (threads < 1) {
      throw new IdempotencySetupException(
          "idem.blocking-threads is "
              + threads
              + ", but a store that blocks is asked by at least one thread.",
          "Set it to the number of connections that asynchronous calls may take up at once, such as"
              + " 32.");
    }
    return threads;
  }

  @Bean
  @ConditionalOnMissingBean
  IdempotencyDefaults idempotencyDefaults(IdemProperties properties) {
    return new IdempotencyDefaults(
        properties.getRetention(), properties.getLease(), properties.getWaitAtMost());
  }

  @Bean(MEMORY)
  @ConditionalOnMissingBean(IdempotencyStore.class)
  InMemoryStore idempotencyInMemoryStore(IdemProperties properties) {
    if (properties.getStore() == IdemProperties.Store.JDBC) {
      throw new IdempotencySetupException(
          "idem.store is jdbc, but the application has no DataSource, or spring-jdbc or idem-jdbc"
              + " is not on the class path.",
          "Configure a DataSource (spring.datasource.url), or set idem.store=memory.");
    }
    if (properties.getStore() == IdemProperties.Store.REDIS) {
      throw new IdempotencySetupException(
          "idem.store is redis, but the application has no Lettuce connection factory, or"
              + " idem-redis is not on the class path.",
          "Add idem-redis and spring-boot-starter-data-redis, and configure spring.data.redis.*; or"
              + " set idem.store to jdbc or memory.");
    }
    if (properties.getStore() == IdemProperties.Store.AUTO) {
      log.info(
          "Idempotency keys are kept in the memory of this process, lost when it ends and unknown"
              + " to other nodes, because there is neither a DataSource nor a Redis to keep them"
              + " in. No transaction undoes a failed run, so an exception leaves its key unresolved"
              + " unless the operation says otherwise. Configure a DataSource to keep keys with the"
              + " data, or set idem.store=memory to say that this is meant");
    } else {
      log.info(
          "Idempotency keys are kept in the memory of this process, lost when it ends and unknown"
              + " to other nodes, as idem.store=memory says");
    }
    return new InMemoryStore();
  }

  /**
   * Codecs for JSON where Jackson is there. One bean, chosen inside: of two configurations that
   * each step back for the other's bean, the order of a class file would decide.
   */
  @Bean
  @ConditionalOnMissingBean
  ResultCodecFactory idempotencyResultCodecFactory(ConfigurableListableBeanFactory beans) {
    return ClassUtils.isPresent(
            "tools.jackson.databind.json.JsonMapper", beans.getBeanClassLoader())
        ? Json.factory()
        : ResultCodecFactory.basic();
  }

  /** Apart, because the classes it names need not be there. */
  private static final class Json {

    static ResultCodecFactory factory() {
      return new JacksonResultCodecFactory();
    }
  }
}
