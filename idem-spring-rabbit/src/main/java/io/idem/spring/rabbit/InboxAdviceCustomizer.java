package io.idem.spring.rabbit;

import java.lang.reflect.Method;

/**
 * Changes the advice of {@link io.idem.spring.Idempotent} listeners: how long a message is held,
 * and where those are published that cannot be consumed. Beans of this type are found, and applied
 * in their order.
 */
@FunctionalInterface
public interface InboxAdviceCustomizer {

  /**
   * Called once for the container of each listener.
   *
   * @param advice the advice so far
   * @param listener the method
   * @return the advice to use, such as {@code advice.holdAtMost(…)}
   */
  InboxAdvice customize(InboxAdvice advice, Method listener);
}
