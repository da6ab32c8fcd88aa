package io.idem.spring.boot;

import io.idem.http.HttpDialect;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import io.idem.http.SourceCheck;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotencyFilter;
import io.idem.servlet.ProblemDocumentationServlet;
import io.idem.spring.EndpointCorsFilter;
import io.idem.spring.EndpointGuard;
import io.idem.spring.IdempotencyExceptionHandler;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.TokenSettings;
import io.idem.spring.WebEndpoints;
import jakarta.servlet.DispatcherType;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.error.ErrorPageRegistrar;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Auto-configuration of a Spring MVC application: protects the endpoints, serves what the types of
 * problems resolve to, and answers exceptions of the engine.
 *
 * <p>The filter goes last, right before the dispatcher servlet: whatever other filters demand of a
 * request, they demand of a repeat as well before it is given a stored answer.
 */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({DispatcherServlet.class, IdempotencyFilter.class})
@Import(ProtocolConfiguration.class)
public final class IdempotencyWebMvcAutoConfiguration {

  private static final String SPRING_SECURITY = "springSecurityFilterChain";

  /** Creates the configuration. */
  IdempotencyWebMvcAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  IdempotencyExceptionHandler idempotencyExceptionHandler(
      ObjectProvider<HttpIdempotency> protocol) {
    return new IdempotencyExceptionHandler(protocol.getIfAvailable(HttpIdempotency::new));
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnBooleanProperty(name = "idem.http.enabled", matchIfMissing = true)
  static class EndpointConfiguration {

    @Bean
    @ConditionalOnMissingBean
    WebEndpoints idempotentWebEndpoints(
        IdempotentOperations operations,
        IdemProperties properties,
        ObjectProvider<CallerResolver> callers,
        ObjectProvider<HttpDialect> dialects,
        ObjectProvider<SourceCheck> sources,
        KeySyntax keySyntax,
        ObjectProvider<TokenSettings> tokens,
        ConfigurableListableBeanFactory beans) {
      boolean callersKnown =
          callers.getIfAvailable() != null || beans.containsBean(SPRING_SECURITY);
      return new WebEndpoints(
          operations,
          EndpointSettings.endpoints(
              properties, callersKnown, dialects, sources, keySyntax, tokens),
          beans);
    }

    @Bean
    FilterRegistrationBean<IdempotencyFilter> idempotencyFilter(
        HttpIdempotency protocol,
        WebEndpoints endpoints,
        ObjectProvider<CallerResolver> callers,
        ObjectProvider<ErrorPageRegistrar> errorPages,
        ObjectProvider<DispatcherServletRegistrationBean> dispatcherServlet) {
      FilterRegistrationBean<IdempotencyFilter> registration =
          new FilterRegistrationBean<>(
              IdempotencyFilter.builder(protocol, endpoints)
                  .callers(callers.getIfAvailable(CallerResolver::userPrincipal))
                  .authorizer(endpoints)
                  .takenApart(endpoints::takesApart)
                  .errorPages(new RegisteredErrorPages(errorPages))
                  .build());
      // Filters of a servlet come after those of paths, whatever their order.
      dispatcherServlet.ifAvailable(registration::addServletRegistrationBeans);
      registration.setDispatcherTypes(DispatcherType.REQUEST, DispatcherType.FORWARD);
      registration.setOrder(Ordered.LOWEST_PRECEDENCE);
      return registration;
    }

    @Bean
    FilterRegistrationBean<EndpointCorsFilter> idempotencyCorsFilter(
        WebEndpoints endpoints,
        ObjectProvider<DispatcherServletRegistrationBean> dispatcherServlet) {
      FilterRegistrationBean<EndpointCorsFilter> registration =
          new FilterRegistrationBean<>(new EndpointCorsFilter(endpoints));
      dispatcherServlet.ifAvailable(registration::addServletRegistrationBeans);
      registration.setDispatcherTypes(DispatcherType.REQUEST);
      registration.setOrder(Ordered.LOWEST_PRECEDENCE - 1);
      return registration;
    }

    @Bean
    WebMvcConfigurer idempotencyEndpointGuard(ObjectProvider<WebEndpoints> endpoints) {
      return new WebMvcConfigurer() {
        @Override
        public void addInterceptors(InterceptorRegistry registry) {
          registry
              .addInterceptor(new EndpointGuard(endpoints.getObject()))
              .order(Ordered.HIGHEST_PRECEDENCE);
        }
      };
    }

    @Bean
    ServletRegistrationBean<ProblemDocumentationServlet> idempotencyProblems(
        HttpIdempotency protocol) {
      ServletRegistrationBean<ProblemDocumentationServlet> registration =
          new ServletRegistrationBean<>(
              new ProblemDocumentationServlet(), protocol.problemBase() + "/*");
      registration.setEnabled(protocol.problemBase().startsWith("/"));
      return registration;
    }
  }
}
