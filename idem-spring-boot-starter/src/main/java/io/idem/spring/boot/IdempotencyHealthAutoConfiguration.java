package io.idem.spring.boot;

import io.idem.spring.IdempotentMethods;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/** Auto-configuration of the health of the store, as {@code idempotency}. */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
@ConditionalOnBean(IdempotentMethods.class)
@ConditionalOnEnabledHealthIndicator("idempotency")
public final class IdempotencyHealthAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyHealthAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean(name = "idempotencyHealthIndicator")
  HealthIndicator idempotencyHealthIndicator(
      ConfigurableListableBeanFactory beans, IdempotentMethods methods) {
    return new IdempotencyHealthIndicator(beans, methods);
  }
}
