package io.idem.webflux;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.MethodSecurityRules;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.aopalliance.intercept.MethodInterceptor;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.web.method.HandlerMethod;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Asks the {@link MethodSecurityRules} of one handler of WebFlux. Its arguments are not there yet:
 * rules over them are refused at start-up. Thread-safe.
 */
final class ReactiveAuthorization {

  private final MethodSecurityRules rules;
  private final int parameters;

  private ReactiveAuthorization(MethodSecurityRules rules, int parameters) {
    this.rules = rules;
    this.parameters = parameters;
  }

  /**
   * The method security of a handler, or nothing for a handler without.
   *
   * @throws IdempotencySetupException if it cannot be asked before the method
   */
  static Optional<ReactiveAuthorization> of(IdempotentMethod method, ListableBeanFactory beans) {
    return MethodSecurityRules.of(method, beans)
        .map(
            rules -> {
              if (rules.readArguments()) {
                throw new IdempotencySetupException(
                    method
                        + " is an @Idempotent endpoint of WebFlux with a rule that may look at its"
                        + " arguments, which are not there before a stored answer is replayed.",
                    "Decide by the authentication alone, as in @PreAuthorize(\"hasRole('BUYER')\");"
                        + " or by the path, in the security filter chain; or move the rule to the"
                        + " service that the handler calls.");
              }
              return new ReactiveAuthorization(rules, method.method().getParameterCount());
            });
  }

  /** Asks, in the context of the subscriber; a denial is an error. */
  Mono<Void> ask(HandlerMethod handler) {
    return Flux.fromIterable(rules.interceptors()).concatMap(rule -> ask(rule, handler)).then();
  }

  private Mono<Void> ask(MethodInterceptor rule, HandlerMethod handler) {
    return Mono.defer(
        () -> {
          AtomicBoolean arrived = new AtomicBoolean();
          Publisher<?> asked;
          try {
            asked =
                (Publisher<?>)
                    rule.invoke(
                        rules.call(
                            handler,
                            () -> new @Nullable Object[parameters],
                            () -> Mono.fromRunnable(() -> arrived.set(true))));
          } catch (Exception | Error e) {
            return Mono.error(e);
          } catch (Throwable e) {
            return Mono.error(new IllegalStateException("A rule of method security failed", e));
          }
          return Flux.from(asked == null ? Mono.empty() : asked)
              .then(Mono.defer(() -> arrived.get() ? Mono.empty() : Mono.error(rules.notDenied())));
        });
  }
}
