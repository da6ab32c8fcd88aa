package io.idem.spring.boot;

import io.idem.spring.kafka.IdempotentKafkaConfiguration;
import io.idem.spring.kafka.IdempotentKafkaListeners;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Import;
import org.springframework.kafka.annotation.KafkaListener;

/** Auto-configuration of an application with {@code @KafkaListener} methods: protects them. */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnClass({KafkaListener.class, IdempotentKafkaListeners.class})
@ConditionalOnMissingBean(IdempotentKafkaListeners.class)
@Import(IdempotentKafkaConfiguration.class)
public final class IdempotencyKafkaAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyKafkaAutoConfiguration() {}
}
