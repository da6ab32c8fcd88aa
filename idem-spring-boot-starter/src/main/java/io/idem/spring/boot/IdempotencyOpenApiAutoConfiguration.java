package io.idem.spring.boot;

import io.idem.http.EndpointContract;
import io.idem.http.HttpIdempotency;
import io.idem.servlet.IdempotencyFilter;
import io.idem.spring.WebEndpoints;
import io.swagger.v3.oas.models.OpenAPI;
import jakarta.servlet.ServletContext;
import org.springdoc.core.customizers.GlobalOperationCustomizer;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.servlet.DispatcherServlet;

/**
 * Auto-configuration of the OpenAPI document that springdoc makes of an application: its protected
 * endpoints show where their key is, how long it counts and what they refuse.
 */
@AutoConfiguration(after = IdempotencyWebMvcAutoConfiguration.class)
@ConditionalOnBooleanProperty(
    name = {"idem.enabled", "idem.http.enabled"},
    matchIfMissing = true)
@ConditionalOnClass({GlobalOperationCustomizer.class, OpenAPI.class})
public final class IdempotencyOpenApiAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyOpenApiAutoConfiguration() {}

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
  @ConditionalOnClass({DispatcherServlet.class, IdempotencyFilter.class})
  static class ServletConfiguration {

    @Bean
    EndpointDocumentation idempotencyEndpointDocumentation(
        ObjectProvider<WebEndpoints> endpoints,
        ObjectProvider<HttpIdempotency> protocol,
        ServletContext context) {
      return new EndpointDocumentation(
          handler -> endpoints.getObject().endpointOf(handler),
          endpoint ->
              EndpointContract.of(protocol.getObject(), endpoint, context.getContextPath()));
    }
  }
}
