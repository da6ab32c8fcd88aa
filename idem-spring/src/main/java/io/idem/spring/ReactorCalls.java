package io.idem.spring;

import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/** Calls of methods that return a {@code Mono}. Apart, because Reactor need not be there. */
final class ReactorCalls {

  private ReactorCalls() {}

  /**
   * Does nothing before it is subscribed to, and asks each time it is. The method's own {@code
   * Mono} is given the subscriber's context. To cancel the subscription stops nothing.
   *
   * @param request null for a call that needs no key
   */
  static Mono<Object> call(
      Operation<@Nullable Object> operation,
      Supplier<@Nullable IdempotentRequest> request,
      MethodInvocation invocation,
      int attemptIndex) {
    return Mono.deferContextual(
        context -> {
          IdempotentRequest asked = request.get();
          return asked == null
              ? unprotected(invocation)
              : protectedBy(operation, asked, invocation, attemptIndex, context);
        });
  }

  private static Mono<Object> protectedBy(
      Operation<@Nullable Object> operation,
      IdempotentRequest request,
      MethodInvocation invocation,
      int attemptIndex,
      ContextView context) {
    return Mono.fromFuture(
            operation
                .executeAsync(
                    request,
                    attempt ->
                        mono(AsyncCalls.proceed(invocation, attemptIndex, attempt))
                            .contextWrite(context)
                            .toFuture())
                .toCompletableFuture(),
            true)
        .flatMap(execution -> Mono.justOrEmpty(execution.orElseThrow()));
  }

  private static Mono<Object> unprotected(MethodInvocation invocation) {
    try {
      return mono(AsyncCalls.proceed(invocation, -1, null));
    } catch (Exception e) {
      return Mono.error(e);
    }
  }

  @SuppressWarnings("unchecked") // the method's own type, which is looked at before
  private static Mono<Object> mono(@Nullable Object returned) {
    if (returned == null) {
      throw new IllegalStateException("An @Idempotent method returned no Mono but null");
    }
    return (Mono<Object>) returned;
  }
}
