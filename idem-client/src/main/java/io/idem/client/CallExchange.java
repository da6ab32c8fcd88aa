package io.idem.client;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How a blocking client sends one request: what an adapter tells {@link CallRun#execute}.
 *
 * @param <R> the client library's response
 */
public interface CallExchange<R> {

  /**
   * Sends the request, with {@link CallRun#headers()} in it.
   *
   * @return the response
   * @throws IOException if there is none
   * @throws InterruptedException if the thread was interrupted
   */
  R send() throws IOException, InterruptedException;

  /**
   * Reads what a response says, and leaves it as readable as it was.
   *
   * @param response the response
   * @return what it says
   * @throws IOException if it breaks off
   */
  ReceivedAnswer read(R response) throws IOException;

  /**
   * Frees what a response holds that nobody will read.
   *
   * @param response the response
   */
  void discard(R response);

  /**
   * Waits between two attempts; sleeps by default.
   *
   * @param delay how long, zero or more
   * @throws IOException if nobody waits for the call any more, so that it is not to be sent again
   * @throws InterruptedException if the thread was interrupted
   */
  default void pause(Duration delay) throws IOException, InterruptedException {
    TimeUnit.NANOSECONDS.sleep(delay.toNanos());
  }
}
