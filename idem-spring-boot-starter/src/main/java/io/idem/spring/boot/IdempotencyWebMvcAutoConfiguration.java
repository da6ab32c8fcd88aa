package io.idem.spring.boot;

import io.idem.core.Disposition;
import io.idem.http.HttpDialect;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import io.idem.http.ProblemTexts;
import io.idem.http.ReplayHeaders;
import io.idem.http.ResponsePolicy;
import io.idem.http.SourceCheck;
import io.idem.http.StaleGuard;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotencyFilter;
import io.idem.servlet.ProblemDocumentationServlet;
import io.idem.spring.EndpointCorsFilter;
import io.idem.spring.EndpointGuard;
import io.idem.spring.IdempotencyExceptionHandler;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.MessageSourceProblemTexts;
import io.idem.spring.TokenSettings;
import io.idem.spring.WebEndpoints;
import io.idem.spring.WebSettings;
import jakarta.servlet.DispatcherType;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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
import org.springframework.context.MessageSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.util.unit.DataSize;
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

  @Bean
  @ConditionalOnMissingBean
  KeySyntax idempotencyKeySyntax(IdemProperties properties) {
    IdemHttpProperties http = properties.getHttp();
    return new KeySyntax(http.getHeader(), http.getMaxKeyLength(), http.isStrictKeys());
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnBooleanProperty(name = "idem.http.enabled", matchIfMissing = true)
  static class EndpointConfiguration {

    @Bean
    @ConditionalOnMissingBean
    HttpIdempotency httpIdempotency(
        IdemProperties properties,
        KeySyntax keySyntax,
        MessageSource messages,
        ObjectProvider<HttpDialect> dialects) {
      IdemHttpProperties http = properties.getHttp();
      return HttpIdempotency.builder()
          .dialect(dialect(http.getDialect(), dialects))
          .keySyntax(keySyntax)
          .problemBase(http.getProblemBase())
          .publishRetention(http.isPublishRetention())
          .texts(new MessageSourceProblemTexts(messages, ProblemTexts.bundled()))
          .unprotectedKeys(http.getUnprotectedKeys())
          .build();
    }

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
      IdemHttpProperties http = properties.getHttp();
      boolean callersKnown =
          callers.getIfAvailable() != null || beans.containsBean(SPRING_SECURITY);
      WebSettings.Builder settings = WebSettings.builder();
      // ---- the request
      settings
          .callersKnown(callersKnown)
          .dialect(dialect(http.getDialect(), dialects))
          .keySpace(http.getKeySpace())
          .keySyntax(keySyntax)
          .maxRequestBytes(bytes("idem.http.max-request-size", http.getMaxRequestSize()))
          .pathScope(http.getPathScope())
          .sourceCheck(sources.getIfAvailable(SourceCheck::any))
          .staleGuard(staleGuard(http.getStaleGuard()))
          .staleRules(http.getStaleGuard().getAhead(), http.getStaleGuard().isTimeRequired())
          .tokens(tokens.getIfAvailable());
      dialects.forEach(settings::knowing);
      // ---- the response
      settings
          .busyStatus(http.getBusyStatus())
          .maxResponseBytes(http.getMaxResponseSize().toBytes())
          .maxStoredBytes(bytes("idem.http.max-stored-size", http.getMaxStoredSize()))
          .responsePolicy(policy(http))
          .retryAfter(http.getRetryAfter())
          .serverErrors(
              http.getServerErrors() == null
                  ? null
                  : Disposition.valueOf(http.getServerErrors().name()))
          .replayHeaders(
              ReplayHeaders.standard().and(http.getReplayHeaders().toArray(String[]::new)));
      return new WebEndpoints(operations, settings.build(), beans);
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

    private static @Nullable StaleGuard staleGuard(IdemStaleGuardProperties properties) {
      Duration window = properties.getWindow();
      if (window == null) {
        return null;
      }
      try {
        return new StaleGuard(window, properties.getAhead(), properties.isTimeRequired());
      } catch (IllegalArgumentException e) {
        throw new IdempotencySetupException(
            "idem.http.stale-guard.* cannot hold. " + e.getMessage() + ".",
            "Set a window such as 24h, and ahead to a duration such as 5m.",
            e);
      }
    }

    private static ResponsePolicy policy(IdemHttpProperties http) {
      try {
        return ResponsePolicy.DEFAULT.releasing(http.getReleasingStatuses());
      } catch (IllegalArgumentException e) {
        throw new IdempotencySetupException(
            "idem.http.releasing-statuses is "
                + http.getReleasingStatuses()
                + ". "
                + e.getMessage()
                + ".",
            "Name statuses of refusals that free the key; 5xx is said by idem.http.server-errors.");
      }
    }

    /** Beans come first, so that an application can replace a dialect under its name. */
    private static HttpDialect dialect(String name, ObjectProvider<HttpDialect> beans) {
      List<HttpDialect> known =
          Stream.concat(beans.orderedStream(), HttpDialect.all().stream()).toList();
      return known.stream()
          .filter(dialect -> dialect.name().equals(name))
          .findFirst()
          .orElseThrow(
              () ->
                  new IdempotencySetupException(
                      "idem.http.dialect is '" + name + "', which nobody knows.",
                      "Set it to one of "
                          + known.stream().map(HttpDialect::name).sorted().distinct().toList()
                          + ", or declare a bean of type io.idem.http.HttpDialect with that"
                          + " name()."));
    }

    private static int bytes(String property, DataSize size) {
      if (size.isNegative() || size.toBytes() > Integer.MAX_VALUE) {
        throw new IdempotencySetupException(
            property + " is " + size + ", but what is buffered has 0 to 2147483647 bytes.",
            "Set it to a size such as 1MB.");
      }
      return (int) size.toBytes();
    }
  }
}
