package io.idem.spring.boot;

import io.idem.core.OperationTokens;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import io.idem.http.RequestValue;
import io.idem.http.TokenIssuer;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.TokenServlet;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotencyTokens;
import io.idem.spring.TokenSettings;
import io.idem.spring.WebEndpoints;
import java.util.Base64;
import java.util.Map;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
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
public final class IdempotencyTokenAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyTokenAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  OperationTokens operationTokens(IdemProperties properties) {
    IdemTokenProperties settings = properties.getTokens();
    try {
      OperationTokens.Builder tokens =
          OperationTokens.builder()
              .namespace(properties.getNamespace())
              .clockSkew(settings.getClockSkew());
      for (Map.Entry<String, String> key : settings.getKeys().entrySet()) {
        tokens.key(key.getKey(), secret(key.getKey(), key.getValue()));
      }
      String signWith = settings.getSignWith();
      if (signWith != null && !signWith.isBlank()) {
        tokens.signWith(signWith);
      }
      return tokens.build();
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new IdempotencySetupException(
          "idem.tokens.* cannot hold. " + e.getMessage() + ".",
          "Set idem.tokens.keys.<id> to the Base64 of "
              + OperationTokens.MIN_SECRET_BYTES
              + " random bytes or more, and idem.tokens.sign-with to one of the ids.",
          e);
    }
  }

  /** Both alphabets of RFC 4648 are welcome. The cause of a failure would tell of the secret. */
  private static byte[] secret(String id, String base64) {
    try {
      return Base64.getDecoder().decode(base64.trim().replace('-', '+').replace('_', '/'));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("The secret of signing key '" + id + "' is not Base64");
    }
  }

  @Bean
  @ConditionalOnMissingBean
  TokenSettings idempotencyTokenSettings(IdemProperties properties, OperationTokens tokens) {
    IdemTokenProperties settings = properties.getTokens();
    String header = settings.getHeader();
    try {
      return new TokenSettings(
          tokens,
          header == null ? null : KeySyntax.DEFAULT.in(header).headerName(),
          new RequestValue.Field(settings.getField()),
          settings.getValidFor());
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "idem.tokens.* cannot hold. " + e.getMessage() + ".",
          "Set idem.tokens.header to the name of a header, and idem.tokens.field to that of a"
              + " field.",
          e);
    }
  }

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
    String path = properties.getTokens().getPath();
    if (!path.startsWith("/") || path.endsWith("/") || path.contains("*")) {
      throw new IdempotencySetupException(
          "idem.tokens.path is '" + path + "', which is no path of one resource.",
          "Set it to a path such as " + TokenServlet.DEFAULT_PATH + ".");
    }
    return new ServletRegistrationBean<>(
        new TokenServlet(issuer, callers.getIfAvailable(CallerResolver::userPrincipal)), path);
  }
}
