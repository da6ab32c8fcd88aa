package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.Paths;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.responses.ApiResponses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springdoc.core.customizers.GlobalOpenApiCustomizer;
import org.springdoc.core.customizers.GlobalOperationCustomizer;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ReactiveWebApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webflux.autoconfigure.HttpHandlerAutoConfiguration;
import org.springframework.boot.webflux.autoconfigure.WebFluxAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.method.HandlerMethod;
import reactor.core.publisher.Mono;

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

  @Test
  void aReactiveApplicationIsDocumentedAsWell() {
    new ReactiveWebApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                HttpHandlerAutoConfiguration.class,
                WebFluxAutoConfiguration.class,
                IdempotencyAutoConfiguration.class,
                IdempotencyWebFluxAutoConfiguration.class,
                IdempotencyOpenApiAutoConfiguration.class))
        .withUserConfiguration(Orders.class)
        .run(
            context -> {
              assertThat(context).hasNotFailed();
              HandlerMethod handler =
                  new HandlerMethod(
                      context.getBean(Orders.class), Orders.class.getDeclaredMethod("create"));
              Operation operation = new Operation().responses(new ApiResponses());
              context.getBean(GlobalOperationCustomizer.class).customize(operation, handler);
              OpenAPI document =
                  new OpenAPI()
                      .paths(new Paths().addPathItem("/orders", new PathItem().post(operation)));
              context.getBean(GlobalOpenApiCustomizer.class).customise(document);
              assertThat(operation.getParameters())
                  .extracting(Parameter::getName)
                  .containsExactly("Idempotency-Key");
              assertThat(operation.getResponses()).containsKeys("400", "409", "422", "503");
            });
  }

  @RestController
  static class Orders {

    @PostMapping("/orders")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    Mono<String> create() {
      return Mono.just("made");
    }
  }
}
