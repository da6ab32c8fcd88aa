package io.idem.spring;

import java.io.Serial;
import java.lang.reflect.Method;
import org.aopalliance.aop.Advice;
import org.springframework.aop.ClassFilter;
import org.springframework.aop.Pointcut;
import org.springframework.aop.support.AbstractPointcutAdvisor;
import org.springframework.aop.support.StaticMethodMatcherPointcut;
import org.springframework.core.annotation.AnnotationUtils;

/**
 * Lays {@link GuardedTransitionInterceptor} around the methods that carry {@link
 * GuardedTransition}.
 *
 * <p>Inside {@link IdempotentAdvisor}, so that a stored answer goes first. Outside the transaction,
 * which has the lowest precedence and so joins the one that the interceptor has begun: nothing can
 * be laid inside of it for certain.
 */
final class GuardedTransitionAdvisor extends AbstractPointcutAdvisor {

  static final int ORDER = IdempotentAdvisor.ORDER + 50;

  @Serial private static final long serialVersionUID = 1L;

  private final transient Pointcut pointcut = new GuardedPointcut();
  private final transient GuardedTransitionInterceptor interceptor;

  GuardedTransitionAdvisor(GuardedTransitionInterceptor interceptor) {
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

  private static final class GuardedPointcut extends StaticMethodMatcherPointcut {

    GuardedPointcut() {
      ClassFilter candidates =
          type -> AnnotationUtils.isCandidateClass(type, GuardedTransition.class);
      setClassFilter(candidates);
    }

    @Override
    public boolean matches(Method method, Class<?> targetClass) {
      return GuardedMethod.find(method, targetClass) != null;
    }
  }
}
