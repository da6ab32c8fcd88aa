package io.idem.spring.kafka;

import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Role;

/**
 * Registers what makes {@link io.idem.spring.Idempotent} work on {@code @KafkaListener} methods,
 * beside {@link io.idem.spring.EnableIdempotency}. The Spring Boot starter imports it by itself.
 */
@Configuration(proxyBeanMethods = false)
@Role(BeanDefinition.ROLE_INFRASTRUCTURE)
public class IdempotentKafkaConfiguration {

  /** Creates the configuration. */
  public IdempotentKafkaConfiguration() {}

  /**
   * What protects the listeners.
   *
   * @param beans where the engine is found, when it is needed
   * @return the bean
   */
  @Bean(IdempotentKafkaListeners.BEAN_NAME)
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotentKafkaListeners idempotentKafkaListeners(ConfigurableListableBeanFactory beans) {
    return new IdempotentKafkaListeners(beans);
  }

  /**
   * What has the containers of share groups protected.
   *
   * @param beans where the listeners are found, when a container is made
   * @return the bean
   */
  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static ShareContainerFactories idempotentKafkaShareContainers(
      ConfigurableListableBeanFactory beans) {
    return new ShareContainerFactories(beans);
  }
}
