package io.idem.spring.rabbit;

import io.idem.core.Attempt;
import io.idem.core.Mode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.amqp.listener.ListenerExecutionFailedException;
import org.springframework.aop.ProxyMethodInvocation;

/**
 * The call of a listener, which may be made more than once. The engine is told what the listener
 * threw, the container what it was wrapped in. Not thread-safe.
 */
final class ListenerCall {

  private static final Logger log = LoggerFactory.getLogger("io.idem.rabbitmq");

  private final ProxyMethodInvocation invocation;
  private @Nullable Exception wrapping;
  private @Nullable Exception wrapped;

  ListenerCall(ProxyMethodInvocation invocation) {
    this.invocation = invocation;
  }

  /** In leased mode the next delivery may be parked, so it is said here what led to it. */
  void proceed(Object received, Attempt attempt) throws Exception {
    try {
      proceed(received);
    } catch (Exception e) {
      if (attempt.mode() == Mode.LEASED) {
        log.warn(
            "The leased listener of operation '{}' failed; unless releaseOn, recordFailures or"
                + " onOtherFailure say what that means, its outcome is unknown and the next"
                + " delivery is parked",
            attempt.operation(),
            e);
      }
      throw e;
    }
  }

  private void proceed(Object received) throws Exception {
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
