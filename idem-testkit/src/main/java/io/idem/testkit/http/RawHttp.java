package io.idem.testkit.http;

import io.idem.testkit.Together;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A connection to a server on which bytes are sent as they are. Not thread-safe.
 *
 * <p>Nothing waits without a bound: a server that is silent for a minute fails the case.
 */
public final class RawHttp implements AutoCloseable {

  private final Socket socket;

  private RawHttp(Socket socket) {
    this.socket = socket;
  }

  /**
   * Connects.
   *
   * @param server where to
   * @return an open connection
   * @throws IOException if nobody listens
   */
  public static RawHttp to(URI server) throws IOException {
    Socket socket = new Socket(server.getHost(), server.getPort());
    socket.setSoTimeout((int) Together.PATIENCE.toMillis());
    return new RawHttp(socket);
  }

  /**
   * Sends a request on a connection of its own.
   *
   * @param server where to
   * @param request what to send
   * @return the answer
   * @throws IOException if there is none
   */
  public static RawResponse exchange(URI server, RawRequest request) throws IOException {
    try (RawHttp connection = to(server)) {
      connection.send(request.toBytes());
      return connection.receive(request.hasAnswerWithBody());
    }
  }

  /**
   * Sends a request on a connection and a thread of their own.
   *
   * @param server where to
   * @param request what to send
   * @return the answer to come; it fails if there is none
   */
  public static CompletableFuture<RawResponse> later(URI server, RawRequest request) {
    CompletableFuture<RawResponse> answer = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                answer.complete(exchange(server, request));
              } catch (IOException | RuntimeException e) {
                answer.completeExceptionally(e);
              }
            },
            "raw-http");
    thread.setDaemon(true);
    thread.start();
    return answer.orTimeout(Together.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /**
   * Sends bytes.
   *
   * @param bytes of a request, or of a part of one
   * @throws IOException if the connection has ended
   */
  public void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /**
   * Says that nothing more will be sent.
   *
   * @throws IOException if the connection has ended
   */
  public void endOfRequest() throws IOException {
    socket.shutdownOutput();
  }

  /**
   * How much of an answer is there.
   *
   * @return the bytes that can be read without waiting
   * @throws IOException if the connection has ended
   */
  public int available() throws IOException {
    return socket.getInputStream().available();
  }

  /**
   * Reads an answer.
   *
   * @param hasBody false if the request was a {@code HEAD}
   * @return the answer
   * @throws IOException if there is none
   */
  public RawResponse receive(boolean hasBody) throws IOException {
    return RawResponse.read(socket.getInputStream(), hasBody);
  }

  /**
   * Hangs up in the rudest way, so that whatever the server still writes fails.
   *
   * @throws IOException if that cannot be done
   */
  public void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
