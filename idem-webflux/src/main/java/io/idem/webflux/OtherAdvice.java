package io.idem.webflux;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationContext;
import org.springframework.core.ReactiveAdapterRegistry;
import org.springframework.core.annotation.AnnotationAwareOrderComparator;
import org.springframework.web.method.ControllerAdviceBean;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.method.annotation.ExceptionHandlerMethodResolver;
import org.springframework.web.reactive.BindingContext;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.HandlerResult;
import org.springframework.web.reactive.HandlerResultHandler;
import org.springframework.web.reactive.result.method.InvocableHandlerMethod;
import org.springframework.web.reactive.result.method.annotation.PrincipalMethodArgumentResolver;
import org.springframework.web.reactive.result.method.annotation.ServerWebExchangeMethodArgumentResolver;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * The application's own {@code @ControllerAdvice} for an exception that wraps a guard's.
 *
 * <p>Spring looks for handlers by the causes of an exception as well, and asks no second advice
 * once it has found one. A handler that is asked here may take the exception, its causes, the
 * {@link HandlerMethod}, what belongs to the exchange, and the principal. Thread-safe.
 *
 * @param context where the advice is
 */
record OtherAdvice(ApplicationContext context) {

  private static final ReactiveAdapterRegistry REACTIVE =
      ReactiveAdapterRegistry.getSharedInstance();

  /** Has an exception answered, or passes it on where nobody has a handler for it. */
  Mono<Void> answer(Throwable thrown, ServerWebExchange exchange) {
    HandlerMethod handler =
        exchange.getAttribute(HandlerMapping.BEST_MATCHING_HANDLER_ATTRIBUTE)
                instanceof HandlerMethod found
            ? found
            : null;
    InvocableHandlerMethod method = find(thrown, handler);
    if (method == null) {
      return Mono.error(thrown);
    }
    return method
        .invoke(exchange, new BindingContext(), arguments(thrown, handler))
        .flatMap(result -> write(result, exchange));
  }

  private @Nullable InvocableHandlerMethod find(Throwable thrown, @Nullable HandlerMethod handler) {
    Class<?> type = handler == null ? null : handler.getBeanType();
    for (ControllerAdviceBean bean : ControllerAdviceBean.findAnnotatedBeans(context)) {
      Class<?> advice = bean.getBeanType();
      if (advice == null
          || advice == WebFluxGuardExceptionHandler.class
          || !bean.isApplicableToBeanType(type)) {
        continue;
      }
      Method method = new ExceptionHandlerMethodResolver(advice).resolveMethodByThrowable(thrown);
      if (method != null) {
        InvocableHandlerMethod invocable = new InvocableHandlerMethod(bean.resolveBean(), method);
        invocable.setReactiveAdapterRegistry(REACTIVE);
        invocable.setArgumentResolvers(
            List.of(
                new ServerWebExchangeMethodArgumentResolver(REACTIVE),
                new PrincipalMethodArgumentResolver(REACTIVE)));
        return invocable;
      }
    }
    return null;
  }

  private static Object[] arguments(Throwable thrown, @Nullable HandlerMethod handler) {
    List<Object> arguments = new ArrayList<>();
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      arguments.add(at);
    }
    if (handler != null) {
      arguments.add(handler);
    }
    return arguments.toArray();
  }

  private Mono<Void> write(HandlerResult result, ServerWebExchange exchange) {
    List<HandlerResultHandler> writers =
        new ArrayList<>(context.getBeansOfType(HandlerResultHandler.class).values());
    AnnotationAwareOrderComparator.sort(writers);
    return writers.stream()
        .filter(writer -> writer.supports(result))
        .findFirst()
        .map(writer -> writer.handleResult(exchange, result))
        .orElseGet(
            () ->
                Mono.error(new IllegalStateException("Nothing writes " + result.getReturnValue())));
  }
}
