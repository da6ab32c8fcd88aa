package io.idem.spring.boot;

import io.idem.http.HttpDialect;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.MessageSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The protocol of endpoints, whichever web framework carries it. */
@Configuration(proxyBeanMethods = false)
class ProtocolConfiguration {

  @Bean
  @ConditionalOnMissingBean
  KeySyntax idempotencyKeySyntax(IdemProperties properties) {
    return EndpointSettings.keySyntax(properties);
  }

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnBooleanProperty(name = "idem.http.enabled", matchIfMissing = true)
  HttpIdempotency httpIdempotency(
      IdemProperties properties,
      KeySyntax keySyntax,
      MessageSource messages,
      ObjectProvider<HttpDialect> dialects) {
    return EndpointSettings.protocol(properties, keySyntax, messages, dialects);
  }
}
