package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.KeyReusedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import io.idem.webflux.ExchangeCallerResolver;
import io.idem.webflux.IdempotencyWebFilter;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ReactiveWebApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** What Spring Boot makes of a WebFlux application, over a socket. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WebFluxApplicationTest {

  private static final String FORM = "application/x-www-form-urlencoded";

  private WebFluxNode node;
  private WebFluxNode configured;

  @BeforeAll
  void start() {
    node = new WebFluxNode(Application.class);
    configured =
        new WebFluxNode(
            Application.class,
            "idem.http.header=X-Key",
            "idem.http.unprotected-keys=refuse",
            "idem.http.problem-base=/problems",
            "idem.tokens.path=/my/tokens",
            "spring.webflux.base-path=/shop");
  }

  @AfterAll
  void stop() {
    configured.close();
    node.close();
  }

  private static RawRequest post(String path) {
    return RawRequest.of("POST", path).header("X-User", "alice").body("text/plain", "x");
  }

  private static String unique() {
    return UUID.randomUUID().toString();
  }

  // ---- problems

  @Test
  void p05_theTypeOfAProblemResolves() {
    RawResponse missing = node.send(post("/orders"));

    assertThat(missing.status()).isEqualTo(400);
    RawResponse page = node.send(RawRequest.of("GET", typeOf(missing)));
    assertThat(page.status()).isEqualTo(200);
    assertThat(page.header("Content-Type")).containsExactly("text/plain;charset=UTF-8");
    assertThat(page.text()).contains("key");
    assertThat(node.send(RawRequest.of("GET", "/idempotency/problems/none")).status())
        .isEqualTo(404);
  }

  @Test
  void p05_theTypeOfAProblemResolvesBelowTheBasePath() {
    RawResponse missing = configured.send(post("/shop/orders"));

    assertThat(typeOf(missing)).isEqualTo("/shop/problems/key-missing");
    assertThat(configured.send(RawRequest.of("GET", typeOf(missing))).status()).isEqualTo(200);
  }

  private static String typeOf(RawResponse problem) {
    Matcher type = Pattern.compile("\"type\":\"([^\"]+)\"").matcher(problem.text());
    assertThat(type.find()).as("a type in %s", problem.text()).isTrue();
    return type.group(1);
  }

  @Test
  void p33_aTitleSpeaksTheClientsLanguage() {
    RawResponse german = node.send(post("/orders").header("Accept-Language", "de"));

    assertThat(german.header("Content-Language")).containsExactly("de");
  }

  @Test
  void whatTheEngineThrowsOutOfAServiceIsAProblem() {
    assertThat(node.send(post("/reused")).status()).isEqualTo(422);
    RawResponse down = node.send(post("/down"));
    assertThat(down.status()).isEqualTo(409);
    assertThat(down.text()).contains("/store-unsettled\"", "\"retryable\":false");
    assertThat(down.header("Retry-After")).isEmpty();
  }

  @Test
  void p20_insideAnEndpointAPassingProblemLeavesTheOutcomeUnknown() {
    RawRequest request = post("/down-inside").header("Idempotency-Key", unique());

    assertThat(node.send(request).text()).contains("/outcome-unknown\"");
    assertThat(node.send(request).text()).contains("/outcome-unknown\"");
  }

  // ---- settings

  @Test
  void theSettingsOfTheHttpLayerHold() {
    RawRequest request = post("/shop/orders").header("X-Key", unique());

    RawResponse first = configured.send(request);

    assertThat(first.status()).isEqualTo(200);
    assertThat(configured.send(request).header("Idempotent-Replayed")).containsExactly("true");
    assertThat(configured.send(post("/shop/open").header("X-Key", unique())).status())
        .isEqualTo(501);
  }

  @Test
  void aProblemOfTheApplicationsOwnErrorRenderingIsReplayed() {
    RawRequest request = post("/conflict").header("Idempotency-Key", unique());

    RawResponse first = node.send(request);

    assertThat(first.status()).isEqualTo(409);
    assertThat(first.text()).contains("Conflict");
    RawResponse replay = node.send(request);
    assertThat(replay.header("Idempotent-Replayed")).containsExactly("true");
    assertThat(replay.body()).isEqualTo(first.body());
  }

  // ---- tokens

  @Test
  void p04_aTokenOfAFormIsAKey() {
    String token = token(node, "/idempotency/tokens", "operation=orders.create");
    RawRequest order = post("/token").body(FORM, "idempotency_token=" + token);

    RawResponse first = node.send(order);

    assertThat(first.status()).as("%s", first.text()).isEqualTo(200);
    RawResponse again = node.send(order);
    assertThat(again.header("Idempotent-Replayed")).containsExactly("true");
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(node.send(order.with("X-User", "bob")).text()).contains("/token-foreign\"");
    assertThat(node.send(post("/token").body(FORM, "idempotency_token=idt1.made.up")).text())
        .contains("/token-invalid\"");
  }

  @Test
  void p04_aTokenOfAMultipartFormIsAKey() {
    String token = token(node, "/idempotency/tokens?operation=orders.create", "");
    RawRequest order =
        post("/token")
            .body(
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"idempotency_token\"\r\n\r\n"
                    + token
                    + "\r\n--b--\r\n");

    assertThat(node.send(order).header("Idempotent-Replayed")).isEmpty();
    assertThat(node.send(order).header("Idempotent-Replayed")).containsExactly("true");
  }

  @ParameterizedTest
  @ValueSource(strings = {"%zz", "long"})
  void p04_aFormThatNamesNoOperationIsGivenNoToken(String name) {
    String operation = name.equals("long") ? "x".repeat(300_000) : name;

    RawResponse refused =
        node.send(post("/idempotency/tokens").body(FORM, "operation=" + operation));

    assertThat(refused.status()).as("%s", refused.text()).isEqualTo(404);
    assertThat(refused.text()).contains("/token-not-issued\"");
  }

  @Test
  void p04_tokensAreHandedOutByPostAlone() {
    RawResponse refused =
        node.send(
            RawRequest.of("GET", "/idempotency/tokens?operation=orders.create")
                .header("X-User", "alice"));

    assertThat(refused.status()).isEqualTo(405);
    assertThat(refused.header("Allow")).containsExactly("POST");
    assertThat(node.send(post("/idempotency/tokens?operation=none")).text())
        .contains("/token-not-issued\"");
    assertThat(
            node.send(post("/idempotency/tokens?operation=orders.create").without("X-User")).text())
        .contains("/caller-required\"");
    assertThat(token(configured, "/shop/my/tokens", "operation=orders.create")).isNotEmpty();
  }

  private static String token(WebFluxNode node, String path, String form) {
    RawResponse issued = node.send(post(path).body(FORM, form));
    assertThat(issued.status()).as("%s", issued.text()).isEqualTo(200);
    assertThat(issued.header("Cache-Control")).containsExactly("no-store");
    Matcher token = Pattern.compile("\"token\":\"([^\"]+)\"").matcher(issued.text());
    assertThat(token.find()).isTrue();
    return token.group(1);
  }

  // ---- what starts and what does not

  private final ReactiveWebApplicationContextRunner runner =
      new ReactiveWebApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class, IdempotencyWebFluxAutoConfiguration.class));

  @Test
  void theFilterIsThereUnlessItIsSwitchedOffOrItsModuleIsMissing() {
    runner.run(context -> assertThat(context).hasSingleBean(IdempotencyWebFilter.class));
    runner
        .withPropertyValues("idem.http.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(IdempotencyWebFilter.class));
    runner
        .withPropertyValues("idem.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(IdempotencyWebFilter.class));
    runner
        .withClassLoader(new FilteredClassLoader(IdempotencyWebFilter.class))
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void anEndpointWithoutCallersKeepsTheApplicationFromStarting() {
    assertThatThrownBy(() -> new WebFluxNode(Nobody.class).close())
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("ExchangeCallerResolver");
  }

  /** The servlet API may be there, but no thread knows the request that it is at. */
  @Test
  void aServiceWhoseKeyIsInTheRequestKeepsTheApplicationFromStarting() {
    assertThatThrownBy(() -> new WebFluxNode(Served.class).close())
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("ByHeader.call()")
        .hasMessageContaining("X-Number")
        .hasMessageContaining("no servlet application");
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(ByHeader.class)
  static class Served {}

  static class ByHeader {
    @Idempotent(header = "X-Number", caller = Idempotent.Caller.SHARED)
    public Mono<String> call() {
      return Mono.empty();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(Nobodys.class)
  static class Nobody {}

  @RestController
  static class Nobodys {
    @PostMapping("/nobodys")
    @Idempotent
    Mono<String> handle() {
      return Mono.empty();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(Handlers.class)
  static class Application {

    @Bean
    ExchangeCallerResolver callers() {
      return exchange -> Mono.justOrEmpty(exchange.getRequest().getHeaders().getFirst("X-User"));
    }
  }

  @RestController
  static class Handlers {

    private final AtomicInteger runs = new AtomicInteger();

    @PostMapping("/orders")
    @Idempotent
    Mono<String> order() {
      return Mono.fromSupplier(() -> "order " + runs.incrementAndGet());
    }

    @PostMapping("/token")
    @Idempotent(operation = "orders.create", keyFrom = "token")
    Mono<String> token() {
      return Mono.fromSupplier(() -> "order " + runs.incrementAndGet());
    }

    @PostMapping("/open")
    Mono<String> open() {
      return Mono.just("open");
    }

    @PostMapping("/conflict")
    @Idempotent
    Mono<String> conflict() {
      return Mono.error(
          new org.springframework.web.server.ResponseStatusException(
              org.springframework.http.HttpStatus.CONFLICT));
    }

    @PostMapping("/reused")
    Mono<String> reused() {
      return Mono.error(new KeyReusedException());
    }

    @PostMapping("/down")
    Mono<String> down() {
      return Mono.error(new StoreUnavailableException("down", new IllegalStateException()));
    }

    @PostMapping("/down-inside")
    @Idempotent
    Mono<String> downInside() {
      return Mono.error(new StoreUnavailableException("down", new IllegalStateException()));
    }
  }
}
