package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.access.prepost.PostAuthorize;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.method.configuration.EnableReactiveMethodSecurity;
import org.springframework.security.config.annotation.web.reactive.EnableWebFluxSecurity;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.core.userdetails.MapReactiveUserDetailsService;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.web.server.SecurityWebFilterChain;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Points 8 and 30 on WebFlux behind Spring Security, over a socket. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WebFluxSecurityTest {

  private WebFluxNode node;

  @BeforeAll
  void start() {
    node = new WebFluxNode(Application.class);
  }

  @AfterAll
  void stop() {
    node.close();
  }

  private static RawRequest post(String path, String user) {
    String credentials =
        Base64.getEncoder().encodeToString((user + ":pw").getBytes(StandardCharsets.UTF_8));
    return RawRequest.of("POST", path)
        .header("Authorization", "Basic " + credentials)
        .header("Idempotency-Key", UUID.randomUUID().toString())
        .body("text/plain", "x");
  }

  @Test
  void p08_theCallerIsTheAuthenticatedPrincipal() {
    RawRequest request = post("/plain", "alice");

    RawResponse first = node.send(request);
    RawResponse bobs =
        node.send(
            request.with(
                "Authorization",
                "Basic "
                    + Base64.getEncoder()
                        .encodeToString("bob:pw".getBytes(StandardCharsets.UTF_8))));

    assertThat(first.status()).isEqualTo(200);
    assertThat(node.send(request).header("Idempotent-Replayed")).containsExactly("true");
    assertThat(bobs.header("Idempotent-Replayed")).isEmpty();
    assertThat(node.send(request.without("Authorization")).status()).isEqualTo(401);
  }

  @Test
  void p08_whoHasNotLoggedInIsNobody() {
    RawRequest request = post("/public", "alice");

    assertThat(node.send(request).status()).isEqualTo(200);
    RawResponse anonymous = node.send(request.without("Authorization"));
    assertThat(anonymous.status()).as("%s", anonymous.text()).isEqualTo(403);
    assertThat(anonymous.text()).contains("/caller-required\"");
  }

  @Test
  void p30_aRuleOfTheHandlerIsAskedBeforeAReplay() {
    Gate gate = node.bean(Gate.class);
    Handlers handlers = node.bean(Handlers.class);
    int before = handlers.runs();
    RawRequest request = post("/gated", "alice");
    gate.open.set(false);
    assertThat(node.send(request).status()).isEqualTo(403);
    gate.open.set(true);
    RawResponse first = node.send(request);
    assertThat(first.status()).as("%s", first.text()).isEqualTo(200);
    gate.open.set(false);
    RawResponse refused = node.send(request);
    assertThat(refused.status()).isEqualTo(403);
    assertThat(refused.header("Idempotent-Replayed")).isEmpty();
    assertThat(refused.text()).doesNotContain("run");
    gate.open.set(true);

    assertThat(node.send(request).header("Idempotent-Replayed")).containsExactly("true");
    assertThat(handlers.runs()).isEqualTo(before + 1);
  }

  @Test
  void p30_aRoleIsAskedFor() {
    assertThat(node.send(post("/buyers", "alice")).status()).isEqualTo(200);
    assertThat(node.send(post("/buyers", "bob")).status()).isEqualTo(403);
  }

  @Test
  void p21_aDenialInTheMiddleOfARunIsSentAsOneAndLeavesTheOutcomeUnknown() {
    RawRequest request = post("/denied-inside", "alice");

    assertThat(node.send(request).status()).isEqualTo(403);
    assertThat(node.send(request).text()).contains("/outcome-unknown\"");
  }

  @Test
  void p30_rulesThatCannotBeAskedBeforeKeepTheApplicationFromStarting() {
    assertThatThrownBy(() -> new WebFluxNode(OverArguments.class).close())
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("arguments");
    assertThatThrownBy(() -> new WebFluxNode(OverResults.class).close())
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("@PostAuthorize");
    assertThatThrownBy(() -> new WebFluxNode(Unasked.class).close())
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("@EnableReactiveMethodSecurity");
  }

  @Configuration(proxyBeanMethods = false)
  @EnableWebFluxSecurity
  @EnableAutoConfiguration
  static class Base {

    @Bean
    SecurityWebFilterChain chain(ServerHttpSecurity http) {
      return http.csrf(ServerHttpSecurity.CsrfSpec::disable)
          .httpBasic(Customizer.withDefaults())
          .anonymous(Customizer.withDefaults())
          .authorizeExchange(
              exchanges ->
                  exchanges.pathMatchers("/public").permitAll().anyExchange().authenticated())
          .build();
    }

    @Bean
    MapReactiveUserDetailsService users() {
      return new MapReactiveUserDetailsService(
          User.withUsername("alice").password("{noop}pw").roles("BUYER").build(),
          User.withUsername("bob").password("{noop}pw").roles("GUEST").build());
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableReactiveMethodSecurity
  @Import({Base.class, Handlers.class})
  static class Application {

    @Bean
    Gate gate() {
      return new Gate();
    }
  }

  static class Gate {

    final AtomicBoolean open = new AtomicBoolean(true);

    public boolean isOpen() {
      return open.get();
    }
  }

  /** An application's own kind of denial. */
  static final class DeniedByService extends AccessDeniedException {

    private static final long serialVersionUID = 1L;

    DeniedByService() {
      super("by a service");
    }
  }

  @RestController
  static class Handlers {

    private final AtomicInteger runs = new AtomicInteger();

    public int runs() {
      return runs.get();
    }

    @PostMapping("/plain")
    @Idempotent
    Mono<String> plain() {
      return Mono.fromSupplier(() -> "run " + runs.incrementAndGet());
    }

    @PostMapping("/public")
    @Idempotent
    Mono<String> open() {
      return Mono.fromSupplier(() -> "run " + runs.incrementAndGet());
    }

    @PostMapping("/gated")
    @Idempotent
    @PreAuthorize("@gate.isOpen()")
    public Mono<String> gated() {
      return Mono.fromSupplier(() -> "run " + runs.incrementAndGet());
    }

    @PostMapping("/buyers")
    @Idempotent
    @PreAuthorize("hasRole('BUYER')")
    public Mono<String> buyers() {
      return Mono.fromSupplier(() -> "run " + runs.incrementAndGet());
    }

    @PostMapping("/denied-inside")
    @Idempotent
    Mono<String> deniedInside() {
      return Mono.error(new DeniedByService());
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableReactiveMethodSecurity
  @Import({Base.class, OverArguments.Handler.class})
  static class OverArguments {
    @RestController
    static class Handler {
      @PostMapping("/arguments")
      @Idempotent
      @PreAuthorize("#body == 'x'")
      public Mono<String> handle(@RequestBody String body) {
        return Mono.just(body);
      }
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableReactiveMethodSecurity
  @Import({Base.class, OverResults.Handler.class})
  static class OverResults {
    @RestController
    static class Handler {
      @PostMapping("/results")
      @Idempotent
      @PostAuthorize("returnObject == 'x'")
      public Mono<String> handle() {
        return Mono.just("x");
      }
    }
  }

  @Configuration(proxyBeanMethods = false)
  @Import({Base.class, Unasked.Handler.class})
  static class Unasked {
    @RestController
    static class Handler {
      @PostMapping("/unasked")
      @Idempotent
      @PreAuthorize("hasRole('BUYER')")
      public Mono<String> handle() {
        return Mono.just("x");
      }
    }
  }
}
