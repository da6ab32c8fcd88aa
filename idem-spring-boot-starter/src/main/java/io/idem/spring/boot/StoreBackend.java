package io.idem.spring.boot;

import java.util.Map;

/** What the stores are made of, as start-up and health look at it. */
interface StoreBackend {

  /** What to show beside the health of the store. */
  Map<String, Object> details();

  /**
   * Looks whether the store can be reached and can hold records.
   *
   * @throws RuntimeException if not
   */
  void check();

  /** Ends what was opened for the store. */
  default void close() {}
}
