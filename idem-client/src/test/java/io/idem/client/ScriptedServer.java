package io.idem.client;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A server that writes what it is told to, also what is no HTTP: the first text to the first
 * request, and the last to all that come later. It ends a connection where it has nothing to say.
 */
final class ScriptedServer implements AutoCloseable {

  /** The heads of the requests, in their order. */
  final List<String> heads = new CopyOnWriteArrayList<>();

  private final ServerSocket socket;
  private final List<Socket> connections = new CopyOnWriteArrayList<>();
  private final List<String> answers;

  ScriptedServer(String... answers) throws IOException {
    this.answers = List.of(answers);
    this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  /** An answer with a body of this length. */
  static String answer(int status, String headers, String body) {
    return "HTTP/1.1 "
        + status
        + " Test\r\n"
        + headers
        + "Content-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  String url() {
    return "http://127.0.0.1:" + socket.getLocalPort() + "/charges";
  }

  /** Whether all connections have ended, by whichever side. */
  boolean isLeft() {
    return connections.stream().allMatch(Socket::isClosed);
  }

  private static void start(Runnable run) {
    Thread thread = new Thread(run, "scripted-server");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = socket.accept();
        connections.add(connection);
        start(() -> serve(connection));
      }
    } catch (IOException e) {
      // It was closed.
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      InputStream in = new BufferedInputStream(connection.getInputStream());
      OutputStream out = connection.getOutputStream();
      while (true) {
        String head = head(in);
        in.readNBytes(lengthOf(head));
        String answer;
        synchronized (heads) {
          heads.add(head);
          answer = answers.get(Math.min(heads.size(), answers.size()) - 1);
        }
        if (answer.isEmpty()) {
          return;
        }
        out.write(answer.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
      }
    } catch (IOException e) {
      // The client has gone.
    }
  }

  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("The client has closed the connection");
      }
      head.append((char) next);
    }
    return head.toString();
  }

  private static int lengthOf(String head) {
    return head.lines()
        .map(line -> line.toLowerCase(Locale.ROOT))
        .filter(line -> line.startsWith("content-length:"))
        .mapToInt(line -> Integer.parseInt(line.substring(15).strip()))
        .findFirst()
        .orElse(0);
  }

  @Override
  public void close() {
    try {
      socket.close();
      for (Socket connection : connections) {
        connection.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
