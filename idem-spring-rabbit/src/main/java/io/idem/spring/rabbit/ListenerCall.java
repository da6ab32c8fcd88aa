package io.idem.spring.rabbit;

import org.jspecify.annotations.Nullable;
import org.springframework.amqp.listener.ListenerExecutionFailedException;
import org.springframework.aop.ProxyMethodInvocation;

/**
 * The call of a listener, which may be made more than once. The engine is told what the listener
 * threw, the container what it was wrapped in. Not thread-safe.
 */
final class ListenerCall {

  private final ProxyMethodInvocation invocation;
  private @Nullable Exception wrapping;
  private @Nullable Exception wrapped;

  ListenerCall(ProxyMethodInvocation invocation) {
    this.invocation = invocation;
  }

  void proceed(Object received) throws Exception {
    Object[] arguments = invocation.getArguments().clone();
    arguments[1] = received;
    try {
      invocation.invocableClone(arguments).proceed();
    } catch (ListenerExecutionFailedException e) {
      if (e.getCause() instanceof Exception cause) {
        wrapping = e;
        wrapped = cause;
        throw cause;
      }
      throw e;
    } catch (Exception | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("A listener threw what is no exception", e);
    }
  }

  Exception asThrown(Exception e) {
    return e == wrapped && wrapping != null ? wrapping : e;
  }
}
