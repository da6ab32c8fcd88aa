package io.idem.spring;

import java.lang.reflect.Method;
import java.util.concurrent.ConcurrentHashMap;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.ListableBeanFactory;

/** Makes the transition of a call before its body. Thread-safe; it keeps nothing of a call. */
final class GuardedTransitionInterceptor implements MethodInterceptor {

  private final ConcurrentHashMap<Place, GuardedCall<?>> prepared = new ConcurrentHashMap<>();
  private final ListableBeanFactory beans;

  GuardedTransitionInterceptor(ListableBeanFactory beans) {
    this.beans = beans;
  }

  /** Makes everything ready that calls of a method need, or says why it cannot hold. */
  GuardedCall<?> prepare(GuardedMethod method) {
    Place place = new Place(method.method(), method.targetClass());
    GuardedCall<?> known = prepared.get(place);
    if (known == null) {
      known = GuardedCalls.of(method, beans);
      prepared.put(place, known);
    }
    return known;
  }

  @Override
  public @Nullable Object invoke(MethodInvocation invocation) throws Throwable {
    Object target = invocation.getThis();
    Class<?> type =
        target == null
            ? invocation.getMethod().getDeclaringClass()
            : AopUtils.getTargetClass(target);
    GuardedCall<?> call = prepared.get(new Place(invocation.getMethod(), type));
    if (call == null) {
      GuardedMethod method = GuardedMethod.find(invocation.getMethod(), type);
      if (method == null) {
        return invocation.proceed();
      }
      call = prepare(method);
      prepared.put(new Place(invocation.getMethod(), type), call);
    }
    return call.call(invocation);
  }

  private record Place(Method method, Class<?> type) {}
}
