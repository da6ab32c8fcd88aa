package io.idem.spring.boot;

import io.idem.core.store.IdempotencyStore;
import io.idem.redis.RedisIdempotencyStore;
import io.lettuce.core.RedisClient;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Lazy;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/**
 * Auto-configuration of the store in the application's Redis.
 *
 * <p>Its beans are lazy: an application that declares an engine of its own, and does not ask for
 * them, needs no Redis.
 */
@AutoConfiguration(
    after = IdempotencyJdbcAutoConfiguration.class,
    afterName = "org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration")
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnClass({
  RedisIdempotencyStore.class,
  RedisClient.class,
  LettuceConnectionFactory.class
})
@ConditionalOnBean(LettuceConnectionFactory.class)
@Conditional(IdempotencyRedisAutoConfiguration.OnRedis.class)
@EnableConfigurationProperties(IdemProperties.class)
public final class IdempotencyRedisAutoConfiguration {

  /** The name of the bean that the store is made of. */
  static final String BACKEND = "idempotencyRedisBackend";

  /** The name of the bean of the store. */
  static final String STORE = "idempotencyRedisStore";

  private static final Logger log =
      LoggerFactory.getLogger(IdempotencyRedisAutoConfiguration.class);

  /** Creates the configuration. */
  IdempotencyRedisAutoConfiguration() {}

  @Bean(BACKEND)
  @Lazy
  RedisBackend idempotencyRedisBackend(
      IdemProperties properties, ConfigurableListableBeanFactory beans) {
    return RedisBackend.find(properties.getRedis(), beans);
  }

  /** The backend closes what it opened; the store itself holds nothing. */
  @Bean(name = STORE, destroyMethod = "")
  @Lazy
  @ConditionalOnMissingBean(IdempotencyStore.class)
  RedisIdempotencyStore idempotencyRedisStore(RedisBackend backend) {
    log.info(
        "Idempotency keys are kept in Redis, under the prefix '{}'. Operations are leased: what a"
            + " failover of Redis loses, they may run again",
        backend.settings().prefix());
    return backend.store();
  }

  /** Asked for, or there is a connection factory and no other store. */
  static final class OnRedis extends AnyNestedCondition {

    OnRedis() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnProperty(name = "idem.store", havingValue = "redis")
    static final class AskedFor {}

    @ConditionalOnProperty(name = "idem.store", havingValue = "auto", matchIfMissing = true)
    @ConditionalOnMissingBean(IdempotencyStore.class)
    static final class Found {}
  }
}
