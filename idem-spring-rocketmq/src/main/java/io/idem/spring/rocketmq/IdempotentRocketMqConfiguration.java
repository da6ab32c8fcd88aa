package io.idem.spring.rocketmq;

import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Role;

/**
 * Registers what makes {@link io.idem.spring.Idempotent} work on {@code @RocketMQMessageListener}
 * classes, beside {@link io.idem.spring.EnableIdempotency}. The Spring Boot starter imports it by
 * itself.
 */
@Configuration(proxyBeanMethods = false)
@Role(BeanDefinition.ROLE_INFRASTRUCTURE)
public class IdempotentRocketMqConfiguration {

  /** Creates the configuration. */
  public IdempotentRocketMqConfiguration() {}

  /**
   * What protects the listeners.
   *
   * @param beans where the engine is found, when it is needed
   * @return the bean
   */
  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotentRocketMqListeners idempotentRocketMqListeners(
      ConfigurableListableBeanFactory beans) {
    return new IdempotentRocketMqListeners(beans);
  }
}
