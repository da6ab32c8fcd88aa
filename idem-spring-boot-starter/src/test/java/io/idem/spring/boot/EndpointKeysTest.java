package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.HttpDialect;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.HttpRequestHead;
import io.idem.http.KeySource;
import io.idem.http.KeySyntax;
import io.idem.http.PathScope;
import io.idem.http.Problem;
import io.idem.http.ProblemType;
import io.idem.http.StoredResponse;
import io.idem.servlet.CallerResolver;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import java.util.List;
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

  @Test
  void p34_theDialectIsChosenByPropertyAndByEndpoint() {
    web.withPropertyValues("idem.http.dialect=stripe")
        .run(
            context -> {
              WebEndpoints endpoints = context.getBean(WebEndpoints.class);
              assertThat(endpoint(endpoints, "/plain").dialect()).isSameAs(HttpDialect.stripe());
              assertThat(endpoint(endpoints, "/oasis").dialect()).isSameAs(HttpDialect.oasis());
              StoredResponse refusal =
                  context
                      .getBean(HttpIdempotency.class)
                      .render(request(), ProblemType.KEY_REUSED, "detail", null);
              assertThat(refusal.status()).isEqualTo(400);
            });
  }

  @Test
  void p09_theKeySpaceIsThatOfTheEndpointOrOfAllOrOfTheDialect() {
    web.withUserConfiguration(Spaces.class)
        .withPropertyValues("idem.http.key-space=all")
        .run(
            context -> {
              WebEndpoints endpoints = context.getBean(WebEndpoints.class);
              assertSpace(endpoint(endpoints, "/plain"), "all", PathScope.MISUSE);
              assertSpace(endpoint(endpoints, "/own-space"), "own", PathScope.MISUSE);
              assertSpace(endpoint(endpoints, "/apart"), null, PathScope.SEPARATE);
            });
    web.withUserConfiguration(Spaces.class)
        .withPropertyValues("idem.http.dialect=stripe")
        .run(
            context -> {
              WebEndpoints endpoints = context.getBean(WebEndpoints.class);
              assertSpace(endpoint(endpoints, "/plain"), "stripe", PathScope.MISUSE);
              assertSpace(endpoint(endpoints, "/own-space"), "own", PathScope.MISUSE);
              assertSpace(endpoint(endpoints, "/apart"), null, PathScope.SEPARATE);
              assertSpace(endpoint(endpoints, "/oasis"), null, PathScope.SEPARATE);
            });
    web.withUserConfiguration(Spaces.class)
        .withPropertyValues("idem.http.dialect=stripe", "idem.http.path-scope=separate")
        .run(
            context -> {
              WebEndpoints endpoints = context.getBean(WebEndpoints.class);
              assertSpace(endpoint(endpoints, "/plain"), null, PathScope.SEPARATE);
              assertSpace(endpoint(endpoints, "/own-space"), "own", PathScope.MISUSE);
            });
  }

  private static void assertSpace(HttpEndpoint endpoint, String space, PathScope scope) {
    assertThat(endpoint.operation().keySpace()).isEqualTo(space);
    assertThat(endpoint.pathScope()).isEqualTo(scope);
  }

  @Test
  void p34_aDialectMayBeABean() {
    HttpDialect own = dialect("own");
    HttpDialect oasis = dialect("oasis");

    web.withBean("own", HttpDialect.class, () -> own)
        .withBean("better", HttpDialect.class, () -> oasis)
        .withPropertyValues("idem.http.dialect=own")
        .run(
            context -> {
              WebEndpoints endpoints = context.getBean(WebEndpoints.class);
              assertThat(endpoint(endpoints, "/plain").dialect()).isSameAs(own);
              assertThat(endpoint(endpoints, "/oasis").dialect()).isSameAs(oasis);
            });
  }

  @Test
  void p34_aDialectThatNobodyKnowsIsRefused() {
    web.withPropertyValues("idem.http.dialect=klingon")
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .hasStackTraceContaining(IdempotencySetupException.class.getName())
                    .hasStackTraceContaining("klingon"));
    web.withUserConfiguration(Unknown.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .hasStackTraceContaining(IdempotencySetupException.class.getName())
                    .hasStackTraceContaining("vulcan"));
  }

  @Test
  void p34_aServiceSpeaksNoDialect() {
    web.withUserConfiguration(Service.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .hasStackTraceContaining(IdempotencySetupException.class.getName())
                    .hasStackTraceContaining("no endpoint"));
  }

  /** The IETF draft's under another name. */
  private static HttpDialect dialect(String name) {
    return new HttpDialect() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public KeySource keySource(KeySyntax configured) {
        return HttpDialect.ietf().keySource(configured);
      }

      @Override
      public int statusOf(ProblemType type, int configured) {
        return configured;
      }

      @Override
      public StoredResponse refusal(Problem problem, HttpRequestHead request) {
        return HttpDialect.ietf().refusal(problem, request);
      }
    };
  }

  private static HttpRequestHead request() {
    return new HttpRequestHead() {
      @Override
      public String method() {
        return "POST";
      }

      @Override
      public String path() {
        return "/plain";
      }

      @Override
      public String query() {
        return null;
      }

      @Override
      public List<String> headerLines(String name) {
        return List.of();
      }

      @Override
      public String caller() {
        return null;
      }
    };
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

    @PostMapping("/oasis")
    @Idempotent(dialect = "${test.dialect:oasis}")
    void oasis() {}
  }

  @RestController
  static class Spaces {

    @PostMapping("/own-space")
    @Idempotent(keySpace = "own")
    void own() {}

    @PostMapping("/apart")
    @Idempotent(pathScope = Idempotent.PathScope.SEPARATE)
    void apart() {}
  }

  @RestController
  static class Unknown {

    @PostMapping("/unknown")
    @Idempotent(dialect = "vulcan")
    void unknown() {}
  }

  static class Service {

    @Idempotent(key = "#key", dialect = "stripe")
    public void run(String key) {}
  }
}
