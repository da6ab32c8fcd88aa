package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.AbandonedPolicy.Recovery;
import io.idem.core.AbandonedPolicy.RecoveryHook;
import io.idem.core.Attempt;
import io.idem.servlet.CallerResolver;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.aopalliance.intercept.MethodInterceptor;
import org.junit.jupiter.api.Test;
import org.springframework.aop.framework.autoproxy.DefaultAdvisorAutoProxyCreator;
import org.springframework.aop.support.AopUtils;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.NameMatchMethodPointcut;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.ResponseEntity;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.security.access.prepost.PostAuthorize;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.method.AuthorizationManagerAfterMethodInterceptor;
import org.springframework.security.config.annotation.method.configuration.EnableMethodSecurity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** What cannot hold at an endpoint keeps the application from starting. */
class EndpointRefusalTest {

  private final WebApplicationContextRunner nobody =
      new WebApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  DispatcherServletAutoConfiguration.class,
                  WebMvcAutoConfiguration.class,
                  IdempotencyAutoConfiguration.class,
                  IdempotencyWebMvcAutoConfiguration.class));

  private final WebApplicationContextRunner web =
      nobody.withBean(CallerResolver.class, () -> request -> "somebody");

  @Test
  void anEndpointIsAccepted() {
    web.withUserConfiguration(Fine.class).run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void anEndpointWithoutKnownCallersIsRefused() {
    assertRefused(nobody, Fine.class, "CallerResolver", "SHARED");
  }

  @Test
  void anEndpointOfEverybodyNeedsNoCallers() {
    nobody.withUserConfiguration(Shared.class).run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void safeMethodsOnlyAreRefused() {
    assertRefused(web, SafeOnly.class, "safe methods only", "POST, PATCH, PUT or DELETE");
  }

  @Test
  void asynchronousHandlersAreRefused() {
    assertRefused(web, Async.class, "java.util.concurrent.Callable", "before its effect");
  }

  @Test
  void asynchronousBodiesAreRefused() {
    assertRefused(web, AsyncBody.class, "java.util.concurrent.CompletableFuture");
  }

  @Test
  void methodSecurityThatNothingAsksIsRefused() {
    assertRefused(web, Secured.class, "PreAuthorize", "@EnableMethodSecurity");
  }

  @Test
  void methodSecurityThatIsAskedIsAccepted() {
    web.withUserConfiguration(SecurityOn.class, Secured.class)
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void methodSecurityOverResultsIsRefused() {
    assertRefused(
        web.withUserConfiguration(SecurityOn.class),
        SecuredAfterwards.class,
        "PostAuthorize",
        "@PreAuthorize");
  }

  /** Also where the rule is no annotation. */
  @Test
  void aRuleOverResultsIsRefused() {
    assertRefused(
        web.withUserConfiguration(RuleOverResults.class),
        Fine.class,
        "AuthorizationManagerAfterMethodInterceptor");
  }

  @Test
  void anExpressionOverArgumentsIsRefused() {
    assertRefused(web, WithSource.class, "source or a fingerprint");
  }

  @Test
  void aKeyOfTheHandlersOwnWithoutASourceIsRefused() {
    assertRefused(web, WithKey.class, "no source", "caller = SHARED");
  }

  @Test
  void recordedFailuresAreRefused() {
    assertRefused(web, WithFailures.class, "status of the response");
  }

  @Test
  void anEndpointThatNothingProtectsIsRefused() {
    assertRefused(web.withPropertyValues("idem.http.enabled=false"), Fine.class, "run unprotected");
  }

  @Test
  void aRecoveryHookOfAnotherResultIsRefused() {
    assertRefused(
        web.withBean("finder", Finder.class), Recovering.class, "finder", "HttpOutcome.answered");
  }

  @Test
  void aStatusThatIsNoRefusalIsRefused() {
    assertRefused(web, BusyButFine.class, "400 to 599", "idem.http.*");
  }

  @Test
  void aReleasingStatusThatIsNoRefusalIsRefused() {
    assertRefused(
        web.withPropertyValues("idem.http.releasing-statuses=500"),
        Fine.class,
        "idem.http.releasing-statuses",
        "idem.http.server-errors");
  }

  /** A proxy of the controller's interfaces neither hides the endpoint nor loses its protection. */
  @Test
  void aControllerBehindAProxyOfItsInterfacesIsFound() {
    web.withUserConfiguration(ProxiedByInterface.class)
        .run(
            context -> {
              assertThat(context).hasNotFailed();
              Api api = context.getBean(Api.class);
              assertThat(AopUtils.isJdkDynamicProxy(api)).isTrue();
              assertThat(
                      context
                          .getBean(WebEndpoints.class)
                          .resolve(new MockHttpServletRequest("POST", "/api")))
                  .isNotNull();
            });
  }

  @Test
  void anImpossibleSizeIsRefused() {
    assertRefused(
        web.withPropertyValues("idem.http.max-request-size=3GB"),
        Fine.class,
        "idem.http.max-request-size");
  }

  /** Starts with a bean and wants the start refused in these words. */
  static void assertRefused(WebApplicationContextRunner runner, Class<?> bean, String... words) {
    runner
        .withUserConfiguration(bean)
        .run(
            context -> {
              Throwable failure = Objects.requireNonNull(context.getStartupFailure());
              while (!(failure instanceof IdempotencySetupException)
                  && failure.getCause() != null) {
                failure = failure.getCause();
              }
              assertThat(failure)
                  .isInstanceOf(IdempotencySetupException.class)
                  .hasMessageContainingAll(words);
            });
  }

  @RestController
  interface Api {
    @PostMapping("/api")
    @Idempotent
    String run();
  }

  static class ApiImpl implements Api {
    @Override
    public String run() {
      return "";
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class ProxiedByInterface {
    @Bean
    static DefaultAdvisorAutoProxyCreator proxies() {
      return new DefaultAdvisorAutoProxyCreator();
    }

    @Bean
    static DefaultPointcutAdvisor advisor() {
      NameMatchMethodPointcut pointcut = new NameMatchMethodPointcut();
      pointcut.setMappedName("run");
      pointcut.setClassFilter(Api.class::isAssignableFrom);
      return new DefaultPointcutAdvisor(
          pointcut, (MethodInterceptor) invocation -> invocation.proceed());
    }

    @Bean
    ApiImpl api() {
      return new ApiImpl();
    }
  }

  @RestController
  static class Fine {
    @PostMapping("/")
    @Idempotent
    ResponseEntity<String> run() {
      return ResponseEntity.ok("");
    }
  }

  @RestController
  static class Shared {
    @PostMapping("/")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    String run() {
      return "";
    }
  }

  @RestController
  static class SafeOnly {
    @GetMapping("/")
    @Idempotent
    String run() {
      return "";
    }
  }

  @RestController
  static class Async {
    @PostMapping("/")
    @Idempotent
    Callable<String> run() {
      return () -> "";
    }
  }

  @RestController
  static class AsyncBody {
    @PostMapping("/")
    @Idempotent
    ResponseEntity<CompletableFuture<String>> run() {
      return ResponseEntity.ok(CompletableFuture.completedFuture(""));
    }
  }

  @RestController
  static class Secured {
    @PostMapping("/")
    @Idempotent
    @PreAuthorize("hasRole('X')")
    String run() {
      return "";
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableMethodSecurity
  static class SecurityOn {}

  @RestController
  static class SecuredAfterwards {
    @PostMapping("/")
    @Idempotent
    @PostAuthorize("returnObject == authentication.name")
    String run() {
      return "";
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class RuleOverResults {
    @Bean
    static AuthorizationManagerAfterMethodInterceptor rule() {
      NameMatchMethodPointcut pointcut = new NameMatchMethodPointcut();
      pointcut.setMappedName("run");
      return new AuthorizationManagerAfterMethodInterceptor(
          pointcut, (authentication, result) -> new AuthorizationDecision(true));
    }
  }

  static class Finder implements RecoveryHook<String> {
    @Override
    public Recovery<String> recover(Attempt attempt) {
      return new Recovery.Happened<>("found");
    }
  }

  @RestController
  static class Recovering {
    @PostMapping("/")
    @Idempotent(onAbandoned = "finder")
    String run() {
      return "";
    }
  }

  @RestController
  static class BusyButFine {
    @PostMapping("/")
    @Idempotent(busyStatus = 200)
    String run() {
      return "";
    }
  }

  @RestController
  static class WithSource {
    @PostMapping("/")
    @Idempotent(source = "#x")
    String run(String x) {
      return x;
    }
  }

  @RestController
  static class WithKey {
    @PostMapping("/{id}")
    @Idempotent(key = "#id")
    String run(@PathVariable String id) {
      return id;
    }
  }

  @RestController
  static class WithFailures {
    @PostMapping("/")
    @Idempotent(recordFailures = IllegalArgumentException.class)
    String run() {
      return "";
    }
  }
}
