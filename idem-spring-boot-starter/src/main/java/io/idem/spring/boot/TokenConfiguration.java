package io.idem.spring.boot;

import io.idem.core.OperationTokens;
import io.idem.http.KeySyntax;
import io.idem.http.RequestValue;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.TokenSettings;
import java.util.Base64;
import java.util.Map;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What signs and checks tokens, whichever web framework is there. */
@Configuration(proxyBeanMethods = false)
class TokenConfiguration {

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

  /** Where tokens are handed out to scripts. */
  static String path(IdemProperties properties) {
    String path = properties.getTokens().getPath();
    if (!path.startsWith("/") || path.endsWith("/") || path.contains("*")) {
      throw new IdempotencySetupException(
          "idem.tokens.path is '" + path + "', which is no path of one resource.",
          "Set it to a path such as " + IdemTokenProperties.DEFAULT_PATH + ".");
    }
    return path;
  }
}
