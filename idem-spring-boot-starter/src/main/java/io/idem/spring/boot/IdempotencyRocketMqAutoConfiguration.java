package io.idem.spring.boot;

import io.idem.spring.rocketmq.IdempotentRocketMqConfiguration;
import io.idem.spring.rocketmq.IdempotentRocketMqListeners;
import io.idem.spring.rocketmq.InboxSettingsCustomizer;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/**
 * Auto-configuration of an application with {@code @RocketMQMessageListener} classes: protects
 * those whose {@code onMessage} is idempotent.
 */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnClass({RocketMQMessageListener.class, IdempotentRocketMqListeners.class})
@ConditionalOnMissingBean(IdempotentRocketMqListeners.class)
@EnableConfigurationProperties(IdemRocketMqProperties.class)
@Import(IdempotentRocketMqConfiguration.class)
public final class IdempotencyRocketMqAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyRocketMqAutoConfiguration() {}

  /** Before the application's own, which may choose another topic for a listener. */
  @Bean
  @Order(Ordered.HIGHEST_PRECEDENCE)
  InboxSettingsCustomizer idempotentRocketMqParking(IdemRocketMqProperties properties) {
    String topic = properties.getParkingTopic();
    return (settings, listener) -> topic.isEmpty() ? settings : settings.parkTo(topic);
  }
}
