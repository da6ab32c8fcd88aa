package io.idem.spring.boot;

import io.idem.http.HttpIdempotency;
import io.idem.http.TokenIssuer;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.TokenServlet;
import io.idem.spring.IdempotencyTokens;
import io.idem.spring.TokenSettings;
import io.idem.spring.WebEndpoints;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.web.servlet.DispatcherServlet;

/**
 * Auto-configuration of operation tokens: signs and checks them, hands them out to scripts under
 * {@code idem.tokens.path} and to pages as the bean {@code idempotencyTokens}.
 */
@AutoConfiguration(
    after = {IdempotencyAutoConfiguration.class, IdempotencyWebMvcAutoConfiguration.class})
@ConditionalOnBooleanProperty(
    name = {"idem.enabled", "idem.http.enabled", "idem.tokens.enabled"},
    matchIfMissing = true)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({DispatcherServlet.class, TokenServlet.class})
@Import(TokenConfiguration.class)
public final class IdempotencyTokenAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyTokenAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  TokenIssuer idempotencyTokenIssuer(
      HttpIdempotency protocol, ObjectProvider<WebEndpoints> endpoints, TokenSettings settings) {
    return new TokenIssuer(
        protocol, operation -> endpoints.getObject().endpointOf(operation), settings.validFor());
  }

  @Bean
  @ConditionalOnMissingBean
  IdempotencyTokens idempotencyTokens(TokenIssuer issuer, ObjectProvider<CallerResolver> callers) {
    return new IdempotencyTokens(issuer, callers.getIfAvailable(CallerResolver::userPrincipal));
  }

  @Bean
  ServletRegistrationBean<TokenServlet> idempotencyTokenServlet(
      IdemProperties properties, TokenIssuer issuer, ObjectProvider<CallerResolver> callers) {
    return new ServletRegistrationBean<>(
        new TokenServlet(issuer, callers.getIfAvailable(CallerResolver::userPrincipal)),
        TokenConfiguration.path(properties));
  }
}
