package io.idem.benchmarks.http;

import io.idem.benchmarks.load.Caller;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Posts over one connection. It does as little as possible: what it takes, both sides pay. Both are
 * sent the same bytes but for the path; only the header lines that Idem adds to an answer are read
 * on one side alone.
 */
final class KeepAliveClient implements Caller {

  private static final String BODY = "{\"from\":\"alice\",\"to\":\"bob\",\"amount\":125000}";
  private static final String LENGTH = "content-length:";

  private final String head;
  private final Supplier<String> values;
  private final Socket socket;
  private final InputStream in;

  /** Sends a new value in a header with each request. */
  KeepAliveClient(int port, String path, String header, Supplier<String> values) {
    this.head =
        "POST "
            + path
            + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
            + BODY.length()
            + "\r\n"
            + header
            + ": ";
    this.values = values;
    try {
      this.socket = new Socket(InetAddress.getLoopbackAddress(), port);
      this.socket.setTcpNoDelay(true);
      this.socket.setSoTimeout(30_000);
      this.in = new BufferedInputStream(socket.getInputStream());
    } catch (IOException e) {
      throw new IllegalStateException("There is no server", e);
    }
  }

  @Override
  public void call() throws IOException {
    String request = head + values.get() + "\r\n\r\n" + BODY;
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    String status = line();
    if (!status.startsWith("HTTP/1.1 200")) {
      throw new IllegalStateException("Answered " + status);
    }
    int length = -1;
    for (String line = line(); !line.isEmpty(); line = line()) {
      if (line.toLowerCase(Locale.ROOT).startsWith(LENGTH)) {
        length = Integer.parseInt(line.substring(LENGTH.length()).trim());
      }
    }
    if (length != TrivialEndpoints.ANSWER.length()) {
      throw new IllegalStateException("An answer of " + length + " bytes");
    }
    in.skipNBytes(length);
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    int next;
    while ((next = in.read()) != '\n') {
      if (next < 0) {
        throw new EOFException("The server hung up");
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }
}
