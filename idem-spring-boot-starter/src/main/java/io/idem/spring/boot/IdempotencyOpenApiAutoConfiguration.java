package io.idem.spring.boot;

import io.idem.http.EndpointContract;
import io.idem.http.HttpIdempotency;
import io.idem.servlet.IdempotencyFilter;
import io.idem.spring.WebEndpoints;
import io.idem.webflux.IdempotencyWebFilter;
import io.idem.webflux.WebFluxEndpoints;
import io.swagger.v3.oas.models.OpenAPI;
import jakarta.servlet.ServletContext;
import org.springdoc.core.customizers.GlobalOperationCustomizer;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.reactive.DispatcherHandler;
import org.springframework.web.servlet.DispatcherServlet;

/**
 * Auto-configuration of the OpenAPI document that springdoc makes of an application: its protected
 * endpoints show where their key is, how long it counts and what they refuse.
 */
@AutoConfiguration(
    after = {IdempotencyWebMvcAutoConfiguration.class, IdempotencyWebFluxAutoConfiguration.class})
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

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
  @ConditionalOnClass({DispatcherHandler.class, IdempotencyWebFilter.class})
  static class ReactiveConfiguration {

    @Bean
    EndpointDocumentation idempotencyEndpointDocumentation(
        ObjectProvider<WebFluxEndpoints> endpoints,
        ObjectProvider<HttpIdempotency> protocol,
        @Value("${spring.webflux.base-path:}") String basePath) {
      return new EndpointDocumentation(
          handler -> endpoints.getObject().endpointOf(handler),
          endpoint -> EndpointContract.of(protocol.getObject(), endpoint, basePath));
    }
  }
}
