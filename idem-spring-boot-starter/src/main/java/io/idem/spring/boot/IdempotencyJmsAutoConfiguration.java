package io.idem.spring.boot;

import io.idem.spring.jms.IdempotentJmsConfiguration;
import io.idem.spring.jms.IdempotentJmsListeners;
import io.idem.spring.jms.InboxSettingsCustomizer;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.jms.annotation.JmsListener;

/** Auto-configuration of an application with {@code @JmsListener} methods: protects them. */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnClass({JmsListener.class, IdempotentJmsListeners.class})
@ConditionalOnMissingBean(IdempotentJmsListeners.class)
@EnableConfigurationProperties(IdemJmsProperties.class)
@Import(IdempotentJmsConfiguration.class)
public final class IdempotencyJmsAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyJmsAutoConfiguration() {}

  /** Before the application's own, which may choose another queue for a listener. */
  @Bean
  @Order(Ordered.HIGHEST_PRECEDENCE)
  InboxSettingsCustomizer idempotentJmsParking(IdemJmsProperties properties) {
    String queue = properties.getParkingQueue();
    return (settings, listener) -> queue.isEmpty() ? settings : settings.parkTo(queue);
  }
}
