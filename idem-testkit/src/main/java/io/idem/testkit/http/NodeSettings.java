package io.idem.testkit.http;

import java.time.Duration;

/**
 * How a node is to be set up.
 *
 * @param strictKeys whether only keys in quotes are accepted
 */
public record NodeSettings(boolean strictKeys) {

  /** The usual node. */
  public static final NodeSettings USUAL = new NodeSettings(false);

  /** How long a duplicate waits where its endpoint says nothing else. */
  public static final Duration WAIT = Duration.ofSeconds(20);

  /** The short lease; a lease is 30 seconds where an endpoint says nothing else. */
  public static final Duration SHORT_LEASE = Duration.ofSeconds(2);

  /** The most bytes a request's body may have. */
  public static final int MAX_REQUEST = 100_000;

  /** The most bytes of a response that are kept. */
  public static final int MAX_STORED = 100_000;

  /** How many connections to its database a node has, if it has one. */
  public static final int CONNECTIONS = 4;
}
