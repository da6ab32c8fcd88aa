package io.idem.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A way to a server, on the loopback interface, that a test can cut and mend.
 *
 * <p>Thread-safe. Its threads are daemons and end with their connections.
 */
public final class TcpProxy implements AutoCloseable {

  private final String host;
  private final int port;
  private final ServerSocket listening;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private volatile boolean cut;

  private TcpProxy(String host, int port, ServerSocket listening) {
    this.host = host;
    this.port = port;
    this.listening = listening;
  }

  /**
   * Opens a way to a server.
   *
   * @param host the server
   * @param port its port
   * @return a proxy that lets everything through
   */
  public static TcpProxy to(String host, int port) {
    try {
      ServerSocket listening = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
      TcpProxy proxy = new TcpProxy(host, port, listening);
      proxy.start("accept", proxy::accept);
      return proxy;
    } catch (IOException e) {
      throw new UncheckedIOException("The proxy cannot listen", e);
    }
  }

  /**
   * Where it listens, on 127.0.0.1.
   *
   * @return the port to connect to instead of the server's
   */
  public int port() {
    return listening.getLocalPort();
  }

  /** Breaks every connection, also in the middle of an answer, and every new one at once. */
  public void cut() {
    cut = true;
    drop();
  }

  /** Breaks every connection, also in the middle of an answer, and lets new ones through. */
  public void drop() {
    // A copy, because a client that connects again at once is not to be dropped again.
    List.copyOf(open).forEach(TcpProxy::close);
  }

  /** Lets new connections through again. */
  public void mend() {
    cut = false;
  }

  @Override
  public void close() {
    cut();
    try {
      listening.close();
    } catch (IOException e) {
      throw new UncheckedIOException("The proxy cannot be closed", e);
    }
  }

  private void start(String what, Runnable task) {
    Thread thread = new Thread(task, "proxy-" + what + "-" + port);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        connect(listening.accept());
      } catch (IOException e) {
        // Closed, or the server is not there: who connected sees the end of the connection.
      }
    }
  }

  private void connect(Socket client) throws IOException {
    open.add(client);
    Socket server;
    try {
      server = new Socket(host, port);
    } catch (IOException e) {
      end(client);
      throw e;
    }
    open.add(server);
    if (cut) {
      end(client);
      end(server);
      return;
    }
    start("there", () -> pump(client, server));
    start("back", () -> pump(server, client));
  }

  private void pump(Socket from, Socket to) {
    byte[] buffer = new byte[8192];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        out.write(buffer, 0, read);
        out.flush();
      }
    } catch (IOException e) {
      // One end is gone: the other goes too.
    } finally {
      end(from);
      end(to);
    }
  }

  private void end(Socket socket) {
    open.remove(socket);
    close(socket);
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It is of no use any more either way.
    }
  }
}
