package io.idem.spring.boot;

import io.idem.http.HttpDialect;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import io.idem.http.SourceCheck;
import io.idem.http.TokenIssuer;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.TokenSettings;
import io.idem.webflux.ExchangeCallerResolver;
import io.idem.webflux.IdempotencyWebFilter;
import io.idem.webflux.ProblemDocumentation;
import io.idem.webflux.TokenHandler;
import io.idem.webflux.WebFluxEndpointGuard;
import io.idem.webflux.WebFluxEndpoints;
import io.idem.webflux.WebFluxExceptionHandler;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.util.ClassUtils;
import org.springframework.web.reactive.DispatcherHandler;
import org.springframework.web.reactive.HandlerAdapter;
import org.springframework.web.reactive.function.server.RequestPredicate;
import org.springframework.web.reactive.function.server.RequestPredicates;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.WebExceptionHandler;

/**
 * Auto-configuration of a WebFlux application: protects the endpoints, serves what the types of
 * problems resolve to, answers exceptions of the engine, and hands out tokens.
 *
 * <p>The filter goes last: whatever other filters demand of a request, they demand of a repeat as
 * well before it is given a stored answer.
 */
@AutoConfiguration(after = IdempotencyAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
@ConditionalOnClass({DispatcherHandler.class, IdempotencyWebFilter.class})
@Import(ProtocolConfiguration.class)
public final class IdempotencyWebFluxAutoConfiguration {

  /** By name, because Spring Security need not be there. */
  private static final String SPRING_SECURITY =
      "org.springframework.security.web.server.SecurityWebFilterChain";

  /** Creates the configuration. */
  IdempotencyWebFluxAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  WebFluxExceptionHandler idempotencyExceptionHandler(ObjectProvider<HttpIdempotency> protocol) {
    return new WebFluxExceptionHandler(protocol.getIfAvailable(HttpIdempotency::new));
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnBooleanProperty(name = "idem.http.enabled", matchIfMissing = true)
  static class EndpointConfiguration {

    @Bean
    @ConditionalOnMissingBean
    WebFluxEndpoints idempotentWebFluxEndpoints(
        IdempotentOperations operations,
        IdemProperties properties,
        ObjectProvider<ExchangeCallerResolver> callers,
        ObjectProvider<HttpDialect> dialects,
        ObjectProvider<SourceCheck> sources,
        KeySyntax keySyntax,
        ObjectProvider<TokenSettings> tokens,
        ConfigurableListableBeanFactory beans) {
      boolean callersKnown = callers.getIfAvailable() != null || isSecured(beans);
      return new WebFluxEndpoints(
          operations,
          EndpointSettings.endpoints(
              properties, callersKnown, dialects, sources, keySyntax, tokens),
          beans);
    }

    private static boolean isSecured(ConfigurableListableBeanFactory beans) {
      ClassLoader loader = beans.getBeanClassLoader();
      return ClassUtils.isPresent(SPRING_SECURITY, loader)
          && beans.getBeanNamesForType(
                      ClassUtils.resolveClassName(SPRING_SECURITY, loader), true, false)
                  .length
              > 0;
    }

    @Bean
    @ConditionalOnMissingBean
    IdempotencyWebFilter idempotencyWebFilter(
        HttpIdempotency protocol,
        WebFluxEndpoints endpoints,
        ObjectProvider<ExchangeCallerResolver> callers,
        ObjectProvider<ServerCodecConfigurer> codecs,
        ObjectProvider<WebExceptionHandler> errorHandlers) {
      return IdempotencyWebFilter.builder(protocol, endpoints)
          .callers(callers.getIfAvailable(ExchangeCallerResolver::principal))
          .authorizer(endpoints)
          .codecs(codecs.getIfAvailable(ServerCodecConfigurer::create))
          .errorHandlers(errorHandlers.orderedStream().toList())
          .build();
    }

    @Bean
    WebFluxEndpointGuard idempotencyEndpointGuard(
        WebFluxEndpoints endpoints, ObjectProvider<HandlerAdapter> adapters) {
      return new WebFluxEndpointGuard(endpoints, adapters::orderedStream);
    }

    @Bean
    RouterFunction<ServerResponse> idempotencyProblems(HttpIdempotency protocol) {
      String base = protocol.problemBase();
      RequestPredicate documented =
          base.startsWith("/")
              ? RequestPredicates.GET(base + "/{" + ProblemDocumentation.SLUG + "}")
              : request -> false;
      return RouterFunctions.route(documented, new ProblemDocumentation());
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnBooleanProperty(
      name = {"idem.http.enabled", "idem.tokens.enabled"},
      matchIfMissing = true)
  @Import(TokenConfiguration.class)
  static class TokenEndpointConfiguration {

    @Bean
    @ConditionalOnMissingBean
    TokenIssuer idempotencyTokenIssuer(
        HttpIdempotency protocol,
        ObjectProvider<WebFluxEndpoints> endpoints,
        TokenSettings settings) {
      return new TokenIssuer(
          protocol, operation -> endpoints.getObject().endpointOf(operation), settings.validFor());
    }

    @Bean
    RouterFunction<ServerResponse> idempotencyTokenEndpoint(
        IdemProperties properties,
        TokenIssuer issuer,
        ObjectProvider<ExchangeCallerResolver> callers) {
      return RouterFunctions.route(
          RequestPredicates.path(TokenConfiguration.path(properties)),
          new TokenHandler(issuer, callers.getIfAvailable(ExchangeCallerResolver::principal)));
    }
  }
}
