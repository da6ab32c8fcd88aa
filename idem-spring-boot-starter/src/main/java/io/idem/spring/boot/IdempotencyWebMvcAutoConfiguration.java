package io.idem.spring.boot;

import io.idem.http.Problem;
import io.idem.spring.IdempotencyExceptionHandler;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.web.servlet.DispatcherServlet;

/** Auto-configuration of the answers to exceptions of the engine in a Spring MVC application. */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({DispatcherServlet.class, Problem.class})
public final class IdempotencyWebMvcAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyWebMvcAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  IdempotencyExceptionHandler idempotencyExceptionHandler() {
    return new IdempotencyExceptionHandler();
  }
}
