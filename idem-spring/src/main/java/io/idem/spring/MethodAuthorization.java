package io.idem.spring;

import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.web.method.HandlerMethod;

/** Asks the {@link MethodSecurityRules} of one handler of Spring MVC. Thread-safe. */
final class MethodAuthorization {

  private final MethodSecurityRules rules;
  private final int parameters;
  private final @Nullable ArgumentPreview preview;

  /** Without a preview, no rule looks at the arguments. */
  private MethodAuthorization(
      MethodSecurityRules rules, int parameters, @Nullable ArgumentPreview preview) {
    this.rules = rules;
    this.parameters = parameters;
    this.preview = preview;
  }

  /**
   * The method security of a handler, or null for a handler without.
   *
   * @throws IdempotencySetupException if it cannot be asked before the method
   */
  static @Nullable MethodAuthorization of(
      IdempotentMethod method, ListableBeanFactory beans, Supplier<ArgumentPreview> preview) {
    return MethodSecurityRules.of(method, beans)
        .map(
            rules ->
                new MethodAuthorization(
                    rules,
                    method.method().getParameterCount(),
                    rules.readArguments() ? preview.get() : null))
        .orElse(null);
  }

  /**
   * Asks.
   *
   * @param handler the handler that the request would come to
   * @param request the request, with what the mapping has found out about it
   * @throws Exception the denial, or what Spring MVC throws where the arguments cannot be bound
   */
  void ask(HandlerMethod handler, HttpServletRequest request) throws Exception {
    AtomicBoolean arrived = new AtomicBoolean();
    MethodInvocation call =
        rules.call(
            handler,
            () -> arguments(handler, request),
            () -> {
              arrived.set(true);
              return null;
            });
    for (MethodInterceptor rule : rules.interceptors()) {
      arrived.set(false);
      try {
        rule.invoke(call);
      } catch (Unbound e) {
        throw e.failure;
      } catch (Exception | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("A rule of method security failed", e);
      }
      if (!arrived.get()) {
        throw rules.notDenied();
      }
    }
  }

  private @Nullable Object[] arguments(HandlerMethod handler, HttpServletRequest request) {
    if (preview == null) {
      return new @Nullable Object[parameters];
    }
    try {
      return preview.argumentsOf(handler, request);
    } catch (Exception e) {
      throw new Unbound(e);
    }
  }

  /** The arguments could not be bound, on its way through the rule that asked for them. */
  private static final class Unbound extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Exception failure;

    Unbound(Exception failure) {
      super(failure);
      this.failure = failure;
    }
  }
}
