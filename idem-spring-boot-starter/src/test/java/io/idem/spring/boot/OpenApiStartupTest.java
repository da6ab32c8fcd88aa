package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.WebEndpoints;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springdoc.core.customizers.GlobalOpenApiCustomizer;
import org.springdoc.core.customizers.GlobalOperationCustomizer;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;

/** When endpoints are documented. */
class OpenApiStartupTest {

  private static final String DOCUMENTATION = "idempotencyEndpointDocumentation";

  private static final AutoConfigurations IDEM =
      AutoConfigurations.of(
          DispatcherServletAutoConfiguration.class,
          WebMvcAutoConfiguration.class,
          IdempotencyAutoConfiguration.class,
          IdempotencyWebMvcAutoConfiguration.class,
          IdempotencyOpenApiAutoConfiguration.class);

  private final WebApplicationContextRunner web =
      new WebApplicationContextRunner().withConfiguration(IDEM);

  @Test
  void springdocFindsBothOfItsCustomizers() {
    web.run(
        context -> {
          assertThat(context).hasSingleBean(GlobalOperationCustomizer.class);
          assertThat(context).hasSingleBean(GlobalOpenApiCustomizer.class);
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"org.springdoc", "io.swagger"})
  void withoutSpringdocTheApplicationStartsAndIsProtected(String absent) {
    web.withClassLoader(new FilteredClassLoader(absent))
        .run(
            context -> {
              assertThat(context).hasNotFailed().hasSingleBean(WebEndpoints.class);
              assertThat(context).doesNotHaveBean(DOCUMENTATION);
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"idem.enabled=false", "idem.http.enabled=false"})
  void whereNoEndpointIsProtectedNothingIsDocumented(String property) {
    web.withPropertyValues(property)
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(DOCUMENTATION));
  }

  @Test
  void outsideOfTheWebNothingIsDocumented() {
    new ApplicationContextRunner()
        .withConfiguration(IDEM)
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(DOCUMENTATION));
  }
}
