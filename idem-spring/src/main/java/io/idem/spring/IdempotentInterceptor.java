package io.idem.spring;

import io.idem.core.Attempt;
import io.idem.core.Body;
import io.idem.core.IdempotentRequest;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.ProxyMethodInvocation;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.BeanFactory;

/** Runs a call through the engine. Thread-safe; it keeps nothing of a call. */
final class IdempotentInterceptor implements MethodInterceptor {

  private final ConcurrentHashMap<IdempotentMethod, MethodOperation> prepared =
      new ConcurrentHashMap<>();
  private final IdempotentMethods methods;
  private final IdempotentOperations operations;
  private final BeanFactory beans;

  IdempotentInterceptor(
      IdempotentMethods methods, IdempotentOperations operations, BeanFactory beans) {
    this.methods = methods;
    this.operations = operations;
    this.beans = beans;
  }

  /** Makes everything ready that calls of a method need, or says why it cannot hold. */
  MethodOperation prepare(IdempotentMethod method) {
    MethodOperation known = prepared.get(method);
    if (known == null) {
      known = new MethodOperation(method, operations, beans);
      prepared.put(method, known);
    }
    return known;
  }

  @Override
  public @Nullable Object invoke(MethodInvocation invocation) throws Throwable {
    Object target = invocation.getThis();
    Class<?> targetClass =
        target == null
            ? invocation.getMethod().getDeclaringClass()
            : AopUtils.getTargetClass(target);
    IdempotentMethod method = methods.find(invocation.getMethod(), targetClass);
    if (method == null || isProtectedBehind(target)) {
      return invocation.proceed();
    }
    MethodOperation operation = prepare(method);
    @Nullable Object[] arguments = invocation.getArguments();
    if (operation.returned() == Returned.MONO) {
      return ReactorCalls.call(
          operation.operation(),
          () -> requestOf(operation, target, arguments),
          invocation,
          operation.attemptIndex());
    }
    IdempotentRequest request = operation.requestOf(target, arguments);
    if (request == null) {
      return invocation.proceed(); // the method says that a key is not required
    }
    operation.checkCall();
    if (operation.returned() == Returned.STAGE) {
      return AsyncCalls.call(operation.operation(), request, invocation, operation.attemptIndex());
    }
    return operation
        .operation()
        .execute(
            request,
            new Proceeding(
                invocation,
                arguments,
                operation.attemptIndex(),
                operation.isToNameTransaction() ? operation.operation().name() : null))
        .orElseThrow();
  }

  /** Where two creators make proxies, the inner one would wait for the run that it is part of. */
  private boolean isProtectedBehind(@Nullable Object target) {
    return target instanceof Advised inner
        && Arrays.stream(inner.getAdvisors()).anyMatch(advisor -> advisor.getAdvice() == this);
  }

  private static @Nullable IdempotentRequest requestOf(
      MethodOperation operation, @Nullable Object target, @Nullable Object[] arguments) {
    IdempotentRequest request = operation.requestOf(target, arguments);
    if (request != null) {
      operation.checkCall();
    }
    return request;
  }

  /** The rest of the call, with the attempt where the method asks for it. */
  private static final class Proceeding implements Body<@Nullable Object, Throwable> {

    private final MethodInvocation invocation;
    private final @Nullable Object[] arguments;
    private final int attemptIndex;
    private final @Nullable String transactionName;

    Proceeding(
        MethodInvocation invocation,
        @Nullable Object[] arguments,
        int attemptIndex,
        @Nullable String transactionName) {
      this.invocation = invocation;
      this.arguments = arguments;
      this.attemptIndex = attemptIndex;
      this.transactionName = transactionName;
    }

    @Override
    @NullUnmarked // a method may return null, which the checker does not see in the type argument
    public Object run(Attempt attempt) throws Throwable {
      if (transactionName != null) {
        TransactionRules.nameTransaction(transactionName);
      }
      if (attemptIndex >= 0 && invocation instanceof ProxyMethodInvocation proxied) {
        Object[] filled = arguments.clone();
        filled[attemptIndex] = attempt;
        proxied.setArguments(filled);
      }
      return invocation.proceed();
    }
  }
}
