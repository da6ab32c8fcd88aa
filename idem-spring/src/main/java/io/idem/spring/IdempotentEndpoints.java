package io.idem.spring;

import java.util.List;

/**
 * What protects HTTP endpoints. A bean of this type is asked at start-up to take charge of the
 * handler methods that carry {@link Idempotent} and leave their key to the request; without one, an
 * application that has such methods does not start.
 */
public interface IdempotentEndpoints {

  /**
   * Takes charge of the endpoints of the application. Called once, before the first request.
   *
   * @param endpoints all of them
   * @throws IdempotencySetupException if one of them cannot be protected
   */
  void protect(List<IdempotentMethod> endpoints);
}
