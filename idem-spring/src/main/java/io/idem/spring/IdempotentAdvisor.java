package io.idem.spring;

import java.io.Serial;
import java.lang.reflect.Method;
import org.aopalliance.aop.Advice;
import org.springframework.aop.ClassFilter;
import org.springframework.aop.Pointcut;
import org.springframework.aop.support.AbstractPointcutAdvisor;
import org.springframework.aop.support.StaticMethodMatcherPointcut;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.AnnotationUtils;

/**
 * Lays {@link IdempotentInterceptor} around the methods that carry {@link Idempotent} and are no
 * endpoints.
 *
 * <p>Outside the transaction, which has the lowest precedence, so that an outcome is recorded with
 * or after the effect; inside method security, whose interceptors have orders of a few hundred, so
 * that a caller who may no longer call is given no stored answer.
 */
final class IdempotentAdvisor extends AbstractPointcutAdvisor {

  static final int ORDER = Ordered.LOWEST_PRECEDENCE - 100;

  @Serial private static final long serialVersionUID = 1L;

  private final transient Pointcut pointcut;
  private final transient IdempotentInterceptor interceptor;

  IdempotentAdvisor(IdempotentMethods methods, IdempotentInterceptor interceptor) {
    this.pointcut = new IdempotentPointcut(methods);
    this.interceptor = interceptor;
    setOrder(ORDER);
  }

  @Override
  public Pointcut getPointcut() {
    return pointcut;
  }

  @Override
  public Advice getAdvice() {
    return interceptor;
  }

  private static final class IdempotentPointcut extends StaticMethodMatcherPointcut {

    private final IdempotentMethods methods;

    IdempotentPointcut(IdempotentMethods methods) {
      this.methods = methods;
      ClassFilter candidates = type -> AnnotationUtils.isCandidateClass(type, Idempotent.class);
      setClassFilter(candidates);
    }

    @Override
    public boolean matches(Method method, Class<?> targetClass) {
      IdempotentMethod found = methods.find(method, targetClass);
      return found != null && !found.isEndpoint() && !found.isListener();
    }
  }
}
