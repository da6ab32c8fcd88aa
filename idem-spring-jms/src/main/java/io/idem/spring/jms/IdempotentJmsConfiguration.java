package io.idem.spring.jms;

import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Role;

/**
 * Registers what makes {@link io.idem.spring.Idempotent} work on {@code @JmsListener} methods,
 * beside {@link io.idem.spring.EnableIdempotency}. The Spring Boot starter imports it by itself.
 */
@Configuration(proxyBeanMethods = false)
@Role(BeanDefinition.ROLE_INFRASTRUCTURE)
public class IdempotentJmsConfiguration {

  /** Creates the configuration. */
  public IdempotentJmsConfiguration() {}

  /**
   * What protects the listeners.
   *
   * @param beans where the engine is found, when it is needed
   * @return the bean
   */
  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotentJmsListeners idempotentJmsListeners(ConfigurableListableBeanFactory beans) {
    return new IdempotentJmsListeners(beans);
  }
}
