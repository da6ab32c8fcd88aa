package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.HttpEndpoint;
import io.idem.http.KeySource;
import io.idem.http.KeySyntax;
import io.idem.servlet.CallerResolver;
import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** Where endpoints look for their key, by properties and annotation. */
class EndpointKeysTest {

  private final WebApplicationContextRunner web =
      new WebApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  DispatcherServletAutoConfiguration.class,
                  WebMvcAutoConfiguration.class,
                  IdempotencyAutoConfiguration.class,
                  IdempotencyWebMvcAutoConfiguration.class))
          .withBean(CallerResolver.class, () -> request -> "somebody")
          .withUserConfiguration(Endpoints.class);

  @Test
  void thePropertiesHoldForAHeaderThatTheEndpointNamesAsWell() {
    web.withPropertyValues(
            "idem.http.header=X-Configured",
            "idem.http.strict-keys=true",
            "idem.http.max-key-length=40")
        .run(
            context -> {
              WebEndpoints endpoints = context.getBean(WebEndpoints.class);
              assertThat(endpoint(endpoints, "/plain").keySource())
                  .isEqualTo(KeySource.header(new KeySyntax("X-Configured", 40, true)));
              assertThat(endpoint(endpoints, "/own-header").keySource())
                  .isEqualTo(KeySource.header(new KeySyntax("X-Own", 40, true)));
            });
  }

  private static HttpEndpoint endpoint(WebEndpoints endpoints, String path) {
    return Objects.requireNonNull(endpoints.resolve(new MockHttpServletRequest("POST", path)));
  }

  @RestController
  static class Endpoints {

    @PostMapping("/plain")
    @Idempotent
    void plain() {}

    @PostMapping("/own-header")
    @Idempotent(header = "X-Own")
    void ownHeader() {}
  }
}
