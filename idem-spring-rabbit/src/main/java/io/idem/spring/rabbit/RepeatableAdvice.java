package io.idem.spring.rabbit;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Method;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.ProxyMethodInvocation;

/**
 * Advice that may go on with its call more than once, each time through all that is behind it. The
 * stateless retry interceptor of Spring AMQP 4.1 proceeds one invocation for every try, which
 * remembers how far it has come: the second try would pass by the inbox. Thread-safe, as far as the
 * advice is.
 */
record RepeatableAdvice(MethodInterceptor advice) implements MethodInterceptor {

  @Override
  public @Nullable Object invoke(MethodInvocation invocation) throws Throwable {
    return advice.invoke(
        invocation instanceof ProxyMethodInvocation proxied ? new Repeatable(proxied) : invocation);
  }

  /** Begins anew each time it is proceeded. */
  private record Repeatable(ProxyMethodInvocation invocation) implements ProxyMethodInvocation {

    @Override
    public @Nullable Object proceed() throws Throwable {
      return invocation.invocableClone().proceed();
    }

    @Override
    public MethodInvocation invocableClone() {
      return invocation.invocableClone();
    }

    @Override
    public MethodInvocation invocableClone(@Nullable Object... arguments) {
      return invocation.invocableClone(arguments);
    }

    @Override
    public Object getProxy() {
      return invocation.getProxy();
    }

    @Override
    public @Nullable Object[] getArguments() {
      return invocation.getArguments();
    }

    @Override
    public void setArguments(@Nullable Object... arguments) {
      invocation.setArguments(arguments);
    }

    @Override
    public @Nullable Object getUserAttribute(String key) {
      return invocation.getUserAttribute(key);
    }

    @Override
    public void setUserAttribute(String key, @Nullable Object value) {
      invocation.setUserAttribute(key, value);
    }

    @Override
    public Method getMethod() {
      return invocation.getMethod();
    }

    @Override
    public @Nullable Object getThis() {
      return invocation.getThis();
    }

    @Override
    public AccessibleObject getStaticPart() {
      return invocation.getStaticPart();
    }
  }
}
