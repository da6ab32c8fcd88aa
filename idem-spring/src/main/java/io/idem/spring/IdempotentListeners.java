package io.idem.spring;

import java.util.List;

/**
 * What protects listeners of messages. A bean of this type is asked at start-up to take charge of
 * the listener methods of one broker that carry {@link Idempotent}; without one, an application
 * that has such methods does not start.
 */
public interface IdempotentListeners {

  /**
   * The annotation that makes a method a listener of this kind.
   *
   * @return the name of its class
   */
  String annotation();

  /**
   * Takes charge of the listeners of the application. Called once, before the first message.
   *
   * @param listeners all of this kind, none if there are none
   * @throws IdempotencySetupException if one of them cannot be protected
   */
  void protect(List<IdempotentMethod> listeners);
}
