package io.idem.spring.boot;

import io.idem.core.store.IdempotencyStore;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Lazy;
import org.springframework.util.ClassUtils;

/**
 * Auto-configuration of a fallback beside the store of leased operations.
 *
 * <p>The store is the application's own {@link IdempotencyStore} bean, or Idem's. The two together
 * are no such bean, so that the first one stays what is injected as it; they are made when the
 * engine is.
 */
@AutoConfiguration(
    after = {IdempotencyJdbcAutoConfiguration.class, IdempotencyRedisAutoConfiguration.class},
    before = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@Conditional(IdempotencyFailoverAutoConfiguration.AskedFor.class)
@EnableConfigurationProperties(IdemProperties.class)
public final class IdempotencyFailoverAutoConfiguration {

  /** The name of the bean of the two stores. */
  static final String FAILOVER = "idempotencyFailover";

  /** Creates the configuration. */
  IdempotencyFailoverAutoConfiguration() {}

  @Bean(FAILOVER)
  @Lazy
  @DependsOnDatabaseInitialization
  Failover idempotencyFailover(
      IdemProperties properties, IdempotencyStore store, ConfigurableListableBeanFactory beans) {
    Failover failover = Failover.of(store, properties, beans);
    if (ClassUtils.isPresent(
        "io.micrometer.core.instrument.MeterRegistry", beans.getBeanClassLoader())) {
      Meters.bind(failover, beans);
    }
    return failover;
  }

  /** Apart, because the classes it names need not be there. */
  private static final class Meters {

    static void bind(Failover failover, ConfigurableListableBeanFactory beans) {
      beans
          .getBeanProvider(MeterRegistry.class)
          .ifAvailable(registry -> FailoverMeters.bind(failover.store(), registry));
    }
  }

  /** A fallback is named. */
  static final class AskedFor extends AnyNestedCondition {

    AskedFor() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnProperty(name = "idem.failover.fallback", havingValue = "jdbc")
    static final class Jdbc {}

    @ConditionalOnProperty(name = "idem.failover.fallback", havingValue = "redis")
    static final class Redis {}
  }
}
