package io.idem.jdbc;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A way to a PostgreSQL on which cancellations get lost, as behind some proxies. */
final class CancellationProxy implements AutoCloseable {

  /** How a connection begins that cancels what another does, in place of a protocol's version. */
  private static final int CANCEL_REQUEST = 80877102;

  private final String url;
  private final PGSimpleDataSource server = new PGSimpleDataSource();
  private final int mostDropped;
  private final ServerSocket listening;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger dropped = new AtomicInteger();

  private CancellationProxy(String url, int mostDropped) throws IOException {
    this.url = url;
    this.server.setURL(url);
    this.mostDropped = mostDropped;
    this.listening = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
  }

  /** Drops the first cancellations, and tells the client nothing. */
  static CancellationProxy dropping(int most, TestDatabase database) {
    try (Connection connection = database.dataSource().getConnection()) {
      CancellationProxy proxy = new CancellationProxy(connection.getMetaData().getURL(), most);
      start(proxy::accept);
      return proxy;
    } catch (IOException | SQLException e) {
      throw new AssertionError(e);
    }
  }

  int dropped() {
    return dropped.get();
  }

  DataSource dataSource() {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setURL(url);
    source.setServerNames(new String[] {"127.0.0.1"});
    source.setPortNumbers(new int[] {listening.getLocalPort()});
    source.setSslMode("disable"); // the first bytes of a connection are then what it is for
    source.setGssEncMode("disable");
    return source;
  }

  @Override
  public void close() {
    closeQuietly(listening);
    open.forEach(CancellationProxy::closeQuietly);
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket client = listening.accept();
        open.add(client);
        start(() -> connect(client));
      } catch (IOException e) {
        // Closed.
      }
    }
  }

  private void connect(Socket client) {
    try {
      byte[] beginning = new byte[8];
      new DataInputStream(client.getInputStream()).readFully(beginning);
      if (ByteBuffer.wrap(beginning).getInt(4) == CANCEL_REQUEST
          && dropped.getAndUpdate(count -> count < mostDropped ? count + 1 : count) < mostDropped) {
        closeQuietly(client);
        return;
      }
      Socket to = new Socket(server.getServerNames()[0], server.getPortNumbers()[0]);
      open.add(to);
      to.getOutputStream().write(beginning);
      start(() -> pump(to, client));
      pump(client, to);
    } catch (IOException e) {
      closeQuietly(client);
    }
  }

  private static void pump(Socket from, Socket to) {
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[8192];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        out.write(buffer, 0, read);
        out.flush();
      }
    } catch (IOException e) {
      // One end is gone: the other goes too.
    } finally {
      closeQuietly(from);
      closeQuietly(to);
    }
  }

  private static void closeQuietly(AutoCloseable each) {
    try {
      each.close();
    } catch (Exception e) {
      // It is of no use any more either way.
    }
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work, "cancellation-proxy");
    thread.setDaemon(true);
    thread.start();
  }
}
