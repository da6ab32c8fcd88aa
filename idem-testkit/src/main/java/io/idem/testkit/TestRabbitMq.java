package io.idem.testkit;

import org.junit.jupiter.api.Assumptions;

/**
 * The RabbitMQ that the environment names.
 *
 * <p>No embedded RabbitMQ can be had as a dependency, and other brokers of its protocol have no
 * quorum queues. So {@value #URL} must name a server that is there, with a user who may declare
 * queues, for example {@code amqp://guest:guest@127.0.0.1:5672/%2F}. Where it names none, a test
 * that asks is reported as skipped, and does not pass. Tests share the server: their queues have
 * random names.
 */
public final class TestRabbitMq {

  /** The environment variable that names the server. */
  public static final String URL = "IDEM_TEST_RABBITMQ_URL";

  private TestRabbitMq() {}

  /**
   * The server; without one, the test that asks is aborted, and so reported as skipped.
   *
   * @return its URL, with user, password and virtual host
   * @throws org.opentest4j.TestAbortedException if the environment names none
   */
  public static String shared() {
    String url = System.getenv(URL);
    Assumptions.assumeTrue(
        url != null && !url.isEmpty(), () -> "No RabbitMQ: " + URL + " names no server");
    return url;
  }
}
