package io.idem.spring.rabbit;

import java.lang.reflect.Method;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.ImmediateAcknowledgeAmqpException;
import org.springframework.amqp.ImmediateRequeueAmqpException;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.listener.ConditionalRejectingErrorHandler;
import org.springframework.amqp.listener.FatalExceptionStrategy;
import org.springframework.amqp.listener.FatalListenerExecutionException;
import org.springframework.amqp.listener.ListenerExecutionFailedException;
import org.springframework.amqp.rabbit.listener.AbstractMessageListenerContainer;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.util.ErrorHandler;
import org.springframework.util.ReflectionUtils;

/**
 * What is to become of a message of a batch for which the listener has failed. A container has one
 * answer for all that it is not told of otherwise, also for those that the listener was never
 * given; so what it would not requeue is found out before it is told.
 */
enum FailureVerdict {
  /** It is the container's to decide, with what is behind it. */
  LEFT_TO_CONTAINER,
  /** It alone is rejected. */
  REJECT,
  /** The listener, or the container's error handler, wants it to be forgotten. */
  DISCARD;

  /** What is so, whichever container it is. */
  static FailureVerdict of(Exception thrown) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (at instanceof AmqpRejectAndDontRequeueException) {
        return REJECT;
      } else if (at instanceof ImmediateAcknowledgeAmqpException) {
        return DISCARD;
      }
    }
    return LEFT_TO_CONTAINER;
  }

  /**
   * What a container would do that is told of the failure at once, without a retry around the
   * inbox. Its error handler is asked, unless it is known to leave such a failure as it is: the
   * container asks it again about what is left to it.
   */
  static FailureVerdict of(
      Exception thrown, Message message, AbstractMessageListenerContainer container) {
    // What a batch's adapter throws names another message of it.
    ListenerExecutionFailedException failure =
        new ListenerExecutionFailedException(
            "A listener of a batch failed",
            thrown instanceof ListenerExecutionFailedException && thrown.getCause() != null
                ? thrown.getCause()
                : thrown,
            message);
    ErrorHandler handler = container.getErrorHandler();
    FailureVerdict own = ownOf(thrown, container);
    if (handler == null || (own != REJECT && isLeftAsItIs(failure, handler))) {
      return own;
    }
    try {
      handler.handleError(failure);
    } catch (RuntimeException e) {
      return isIn(e, FatalListenerExecutionException.class::isInstance)
          ? LEFT_TO_CONTAINER // which stops for it
          : ownOf(e, container);
    }
    return own;
  }

  /** What the container does, if its error handler does nothing. */
  private static FailureVerdict ownOf(
      Exception thrown, AbstractMessageListenerContainer container) {
    if (isIn(thrown, ImmediateAcknowledgeAmqpException.class::isInstance)) {
      return DISCARD; // the container looks for it first
    }
    return requeues(thrown, container) ? LEFT_TO_CONTAINER : REJECT;
  }

  /** As the container's default, and what stands in for it among the causes, have it. */
  private static boolean requeues(Exception thrown, AbstractMessageListenerContainer container) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (at instanceof AmqpRejectAndDontRequeueException) {
        return false;
      } else if (at instanceof ImmediateRequeueAmqpException) {
        return true;
      }
    }
    // It can be read in no other way, and may be changed while the container runs.
    return Boolean.TRUE.equals(
        new DirectFieldAccessor(container).getPropertyValue("defaultRequeueRejected"));
  }

  private static boolean isLeftAsItIs(
      ListenerExecutionFailedException failure, ErrorHandler handler) {
    return handler instanceof ConditionalRejectingErrorHandler
        && isSprings(handler)
        && new DirectFieldAccessor(handler).getPropertyValue("exceptionStrategy")
            instanceof FatalExceptionStrategy strategy
        && !strategy.isFatal(failure);
  }

  /** A subclass may do anything with a failure. */
  private static boolean isSprings(ErrorHandler handler) {
    Method handling =
        ReflectionUtils.findMethod(handler.getClass(), "handleError", Throwable.class);
    return handling != null
        && handling.getDeclaringClass() == ConditionalRejectingErrorHandler.class;
  }

  private static boolean isIn(@Nullable Throwable thrown, Predicate<Throwable> wanted) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (wanted.test(at)) {
        return true;
      }
    }
    return false;
  }
}
