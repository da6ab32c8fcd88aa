package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.AbandonedPolicy.Recovery;
import io.idem.core.AbandonedPolicy.RecoveryHook;
import io.idem.core.Attempt;
import io.idem.servlet.CallerResolver;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import io.reactivex.rxjava3.core.Flowable;
import io.reactivex.rxjava3.core.Maybe;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.aopalliance.intercept.MethodInterceptor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.framework.autoproxy.DefaultAdvisorAutoProxyCreator;
import org.springframework.aop.support.AopUtils;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.NameMatchMethodPointcut;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.webmvc.autoconfigure.DispatcherServletAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.WebMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.ResponseEntity;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.scheduling.annotation.Async;
import org.springframework.security.access.prepost.PostAuthorize;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.method.AuthorizationManagerAfterMethodInterceptor;
import org.springframework.security.config.annotation.method.configuration.EnableMethodSecurity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.WebAsyncTask;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyEmitter;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

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

  @ParameterizedTest
  @ValueSource(classes = {Called.class, AsyncBody.class, Later.class, Soon.class, OfRxJava.class})
  void asynchronousHandlersAreAccepted(Class<?> handler) {
    web.withUserConfiguration(handler).run(context -> assertThat(context).hasNotFailed());
  }

  /** What is weaker than the default has to be said. */
  @ParameterizedTest
  @ValueSource(classes = {Called.class, AsyncBody.class, Later.class, Soon.class, OfRxJava.class})
  void asynchronousHandlersInATransactionAreRefused(Class<?> handler) {
    assertRefused(
        withDatabase(web), handler, "operation is transactional", "@Idempotent(mode = LEASED)");
  }

  @Test
  void asynchronousHandlersThatAreLeasedAreAcceptedWithADatabase() {
    withDatabase(web)
        .withUserConfiguration(AsyncLeased.class)
        .run(context -> assertThat(context).hasNotFailed());
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        Emitting.class,
        Streaming.class,
        StreamingLater.class,
        Flowing.class,
        Parts.class,
        OneByOne.class,
        UnderPressure.class
      })
  void handlersThatStreamAreRefused(Class<?> handler) {
    assertRefused(web, handler, "sent one by one", "whole content");
  }

  @Test
  void handlersThatReturnBeforeTheirEffectAreRefused() {
    assertRefused(web, Unawaited.class, "java.util.concurrent.Callable", "before its effect");
    assertRefused(web, Twice.class, "CompletableFuture", "before its effect");
    assertRefused(web, LaterStill.class, "Maybe", "before its effect");
    assertRefused(web, OnAnotherThread.class, "@Async", "executor of your own");
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

  private static WebApplicationContextRunner withDatabase(WebApplicationContextRunner runner) {
    return runner
        .withConfiguration(
            AutoConfigurations.of(
                DataSourceAutoConfiguration.class,
                DataSourceTransactionManagerAutoConfiguration.class,
                IdempotencyJdbcAutoConfiguration.class))
        .withPropertyValues("spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID());
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
  static class Called {
    @PostMapping("/")
    @Idempotent
    Callable<String> run() {
      return () -> "";
    }
  }

  @RestController
  static class AsyncLeased {
    @PostMapping("/")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    Callable<String> run() {
      return () -> "";
    }
  }

  @RestController
  static class Later {
    @PostMapping("/")
    @Idempotent
    CompletionStage<ResponseEntity<String>> run() {
      return CompletableFuture.completedFuture(ResponseEntity.ok(""));
    }
  }

  @RestController
  static class Soon {
    @PostMapping("/")
    @Idempotent
    WebAsyncTask<String> run() {
      return new WebAsyncTask<>(() -> "");
    }
  }

  @RestController
  static class Emitting {
    @PostMapping("/")
    @Idempotent
    SseEmitter run() {
      return new SseEmitter();
    }
  }

  @RestController
  static class Streaming {
    @PostMapping("/")
    @Idempotent
    ResponseEntity<StreamingResponseBody> run() {
      return ResponseEntity.ok(out -> out.write(1));
    }
  }

  @RestController
  static class StreamingLater {
    @PostMapping("/")
    @Idempotent
    Callable<ResponseEntity<ResponseBodyEmitter>> run() {
      return () -> ResponseEntity.ok(new ResponseBodyEmitter());
    }
  }

  @RestController
  static class Flowing {
    @PostMapping("/")
    @Idempotent
    Flux<String> run() {
      return Flux.just("");
    }
  }

  @RestController
  static class Parts {
    @PostMapping("/")
    @Idempotent
    Mono<ResponseEntity<Flux<String>>> run() {
      return Mono.just(ResponseEntity.ok(Flux.just("")));
    }
  }

  @RestController
  static class OneByOne {
    @PostMapping("/")
    @Idempotent
    Observable<String> run() {
      return Observable.just("");
    }
  }

  @RestController
  static class UnderPressure {
    @PostMapping("/")
    @Idempotent
    ResponseEntity<Flowable<String>> run() {
      return ResponseEntity.ok(Flowable.just(""));
    }
  }

  @RestController
  static class LaterStill {
    @PostMapping("/")
    @Idempotent
    Single<Maybe<String>> run() {
      return Single.just(Maybe.just(""));
    }
  }

  @RestController
  static class OfRxJava {
    @PostMapping("/")
    @Idempotent
    Single<String> run() {
      return Single.just("");
    }
  }

  /** Spring MVC does not wait for it there. */
  @RestController
  static class Unawaited {
    @PostMapping("/")
    @Idempotent
    ResponseEntity<Callable<String>> run() {
      return ResponseEntity.ok(() -> "");
    }
  }

  @RestController
  static class Twice {
    @PostMapping("/")
    @Idempotent
    Callable<CompletableFuture<String>> run() {
      return () -> CompletableFuture.completedFuture("");
    }
  }

  @RestController
  static class OnAnotherThread {
    @PostMapping("/")
    @Idempotent
    @Async
    CompletableFuture<String> run() {
      return CompletableFuture.completedFuture("");
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
