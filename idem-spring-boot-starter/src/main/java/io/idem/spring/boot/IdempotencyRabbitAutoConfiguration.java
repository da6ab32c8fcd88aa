package io.idem.spring.boot;

import io.idem.spring.rabbit.IdempotentRabbitConfiguration;
import io.idem.spring.rabbit.IdempotentRabbitListeners;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Import;

/** Auto-configuration of an application with {@code @RabbitListener} methods: protects them. */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnClass({RabbitListener.class, IdempotentRabbitListeners.class})
@ConditionalOnMissingBean(IdempotentRabbitListeners.class)
@Import(IdempotentRabbitConfiguration.class)
public final class IdempotencyRabbitAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyRabbitAutoConfiguration() {}
}
