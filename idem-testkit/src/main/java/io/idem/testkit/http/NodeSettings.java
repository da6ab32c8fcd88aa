package io.idem.testkit.http;

import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * How a node is to be set up.
 *
 * @param strictKeys whether only keys in quotes are accepted
 * @param contextPath what all paths of the node start with: empty, or a slash and a segment
 * @param refuseUnprotectedKeys whether a key that is sent to where nothing protects the request is
 *     refused; else it is flagged
 */
public record NodeSettings(boolean strictKeys, String contextPath, boolean refuseUnprotectedKeys) {

  /** The usual node. */
  public static final NodeSettings USUAL = new NodeSettings(false, "", false);

  /** A node on which everything is different. */
  public static final NodeSettings STRICT = new NodeSettings(true, "/shop", true);

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

  /**
   * What the tokens of all nodes are signed with.
   *
   * @return 32 bytes, a new array each time
   */
  public static byte[] tokenSecret() {
    return "every node of the contract's app".getBytes(StandardCharsets.US_ASCII);
  }
}
