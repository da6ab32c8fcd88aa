package io.idem.testkit.http;

import java.net.URI;

/** A node of the application under test, listening on the loopback interface. Thread-safe. */
public interface HttpContractServer {

  /**
   * Where it is.
   *
   * @return its scheme, host and port, for example {@code http://127.0.0.1:8080}
   */
  URI base();

  /**
   * Takes the store, and the database if there is one, away from this node, also from what runs.
   */
  void cutStore();

  /** Gives them back. */
  void mendStore();

  /**
   * How often a handler has had an effect that lasts: one that was rolled back does not count.
   *
   * @param name of the effect, as {@link ContractCall#effect} was told
   * @return the number, over all nodes
   */
  int effects(String name);

  /**
   * Starts another node on the same store, with the same script and a way of its own to the store.
   *
   * @param settings what is different there
   * @return the node; the contract stops it
   */
  HttpContractServer anotherNode(NodeSettings settings);

  /** Stops as in production: running requests end and are recorded. */
  void stop();
}
