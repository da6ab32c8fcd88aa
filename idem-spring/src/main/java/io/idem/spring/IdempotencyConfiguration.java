package io.idem.spring;

import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Role;
import org.springframework.core.env.Environment;

/**
 * Registers what makes {@link Idempotent} work, and {@link GuardedTransition} where {@code
 * idem-guard} is on the class path. The engine itself is the application's bean.
 *
 * @see EnableIdempotency
 */
@Configuration(proxyBeanMethods = false)
@Role(BeanDefinition.ROLE_INFRASTRUCTURE)
@Import(GuardConfiguration.WhereThereAreGuards.class)
public class IdempotencyConfiguration {

  /** Creates the configuration. */
  public IdempotencyConfiguration() {}

  /**
   * The annotated methods.
   *
   * @param beans resolves placeholders
   * @param environment resolves them for beans that are made before the others
   * @return the registry
   */
  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotentMethods idempotentMethods(
      ConfigurableListableBeanFactory beans, Environment environment) {
    return new IdempotentMethods(
        text ->
            beans.hasEmbeddedValueResolver()
                ? beans.resolveEmbeddedValue(text)
                : environment.resolvePlaceholders(text));
  }

  /**
   * The maker of operations.
   *
   * @param beans where the engine is found, when it is needed
   * @return the maker
   */
  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotentOperations idempotentOperations(ConfigurableListableBeanFactory beans) {
    return new IdempotentOperations(beans);
  }

  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotentInterceptor idempotentInterceptor(
      IdempotentMethods methods,
      IdempotentOperations operations,
      ConfigurableListableBeanFactory beans) {
    return new IdempotentInterceptor(methods, operations, beans);
  }

  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotentAdvisor idempotentAdvisor(
      IdempotentMethods methods, IdempotentInterceptor interceptor) {
    return new IdempotentAdvisor(methods, interceptor);
  }

  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static IdempotencyStartup idempotencyStartup(
      IdempotentMethods methods,
      IdempotentInterceptor interceptor,
      ConfigurableListableBeanFactory beans) {
    return new IdempotencyStartup(methods, interceptor, beans);
  }
}
