package io.idem.spring;

import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.ImportSelector;
import org.springframework.context.annotation.Role;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.util.ClassUtils;

/**
 * Registers what makes {@link GuardedTransition} work. The guards themselves are the application's
 * beans. Imported by {@link IdempotencyConfiguration}.
 */
@Configuration(proxyBeanMethods = false)
@Role(BeanDefinition.ROLE_INFRASTRUCTURE)
public class GuardConfiguration {

  /** Creates the configuration. */
  public GuardConfiguration() {}

  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static GuardedTransitionInterceptor guardedTransitionInterceptor(
      ConfigurableListableBeanFactory beans) {
    return new GuardedTransitionInterceptor(beans);
  }

  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static GuardedTransitionAdvisor guardedTransitionAdvisor(
      GuardedTransitionInterceptor interceptor) {
    return new GuardedTransitionAdvisor(interceptor);
  }

  @Bean
  @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
  static GuardStartup guardStartup(
      GuardedTransitionInterceptor interceptor, ConfigurableListableBeanFactory beans) {
    return new GuardStartup(interceptor, beans);
  }

  /** Imports it where {@code idem-guard} is on the class path. */
  static final class WhereThereAreGuards implements ImportSelector {

    private static final String GUARD = "io.idem.guard.jdbc.StateGuard";

    @Override
    public String[] selectImports(AnnotationMetadata importing) {
      return ClassUtils.isPresent(GUARD, GuardConfiguration.class.getClassLoader())
          ? new String[] {GuardConfiguration.class.getName()}
          : new String[0];
    }
  }
}
