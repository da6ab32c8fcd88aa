package io.idem.spring.rocketmq;

import java.lang.reflect.Method;

/**
 * Changes how {@link io.idem.spring.Idempotent} listeners consume: how long a busy message is
 * waited for, and where those go that cannot be consumed. Beans of this type are found, and applied
 * in their order.
 */
@FunctionalInterface
public interface InboxSettingsCustomizer {

  /**
   * Called once for the container of each listener.
   *
   * @param settings the settings so far
   * @param listener the listener's {@code onMessage}
   * @return the settings to use, such as {@code settings.parkTo("payments-parked")}
   */
  InboxSettings customize(InboxSettings settings, Method listener);
}
