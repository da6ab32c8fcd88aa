package io.idem.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.InMemoryStore;
import io.idem.http.HttpEndpoint;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a hostile client can put on the wire. A seed is repeated with {@code -Didem.seed=…}. */
class SocketFuzzTest {

  private static final int CLIENTS = 4;
  private static final int REQUESTS = 25_000;

  private final long seed = Long.getLong("idem.seed", System.nanoTime());
  private final InMemoryStore store = new InMemoryStore();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicInteger refused = new AtomicInteger();

  @Test
  void nothingOnTheWireIsAnErrorOfTheServer() throws Exception {
    List<Path> filesBefore = ServerTest.spilledFiles();
    TestServer server = new TestServer(store);
    try {
      server.protect(
          "/pay",
          operation -> operation.retention(Duration.ofMinutes(10)),
          // what is left of a body whose head ended early is part of the next method: "--POST"
          HttpEndpoint.Builder::unsafeMethods,
          (request, response) -> response.getOutputStream().write('k'));
      List<Thread> clients = new ArrayList<>();
      List<Throwable> failures = new CopyOnWriteArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        Random random = new Random(seed + i);
        Thread client = new Thread(() -> attack(server.port(), random));
        client.setUncaughtExceptionHandler((thread, failure) -> failures.add(failure));
        client.start();
        clients.add(client);
      }
      for (Thread client : clients) {
        client.join(Duration.ofMinutes(2).toMillis());
        assertThat(client.isAlive()).as("still sending, seed %d", seed).isFalse();
      }
      assertThat(failures).as("seed %d", seed).isEmpty();
      assertThat(server.thrown).as("seed %d", seed).isEmpty();
      assertThat(server.runs.get())
          .as("requests that ran, seed %d", seed)
          .isEqualTo((int) store.size());
    } finally {
      server.stop();
    }
    assertThat(answered.get() + refused.get()).isEqualTo(CLIENTS * REQUESTS);
    assertThat(answered).hasValueGreaterThan(REQUESTS / 4);
    assertThat(refused).hasValueGreaterThan(REQUESTS / 4);
    assertThat(ServerTest.spilledFiles()).isEqualTo(filesBefore);
  }

  private void attack(int port, Random random) {
    int sent = 0;
    while (sent < REQUESTS) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        socket.setSoTimeout(20_000);
        socket.setTcpNoDelay(true);
        InputStream in = new BufferedInputStream(socket.getInputStream());
        boolean open = true;
        while (open && sent < REQUESTS) {
          byte[] request = request(random);
          socket.getOutputStream().write(request);
          sent++;
          open = answer(in, request);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Reads an answer; whether the connection stays open after it. */
  private boolean answer(InputStream in, byte[] request) throws IOException {
    String status = line(in);
    String described =
        "seed " + seed + ", " + new String(request, StandardCharsets.ISO_8859_1) + "\n" + status;
    assertThat(status).as(described).matches("HTTP/1.1 [24]\\d\\d.*");
    (status.startsWith("HTTP/1.1 2") ? answered : refused).incrementAndGet();
    int length = 0;
    boolean chunked = false;
    boolean open = true;
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      String header = line.toLowerCase(Locale.ROOT);
      if (header.startsWith("content-length:")) {
        length = Integer.parseInt(header.substring("content-length:".length()).trim());
      } else if (header.equals("transfer-encoding: chunked")) {
        chunked = true;
      } else if (header.equals("connection: close")) {
        open = false;
      }
    }
    if (chunked) {
      int size;
      do {
        size = Integer.parseInt(line(in), 16);
        in.skipNBytes(size);
        line(in);
      } while (size > 0);
    } else {
      in.skipNBytes(length);
    }
    return open;
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next;
    while ((next = in.read()) != '\n') {
      if (next < 0) {
        throw new IOException("No answer, after " + line);
      }
      if (next != '\r') {
        line.write(next);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }

  private static byte[] request(Random random) {
    byte[] body = body(random);
    StringBuilder head = new StringBuilder("POST /pay HTTP/1.1\r\nHost: localhost\r\n");
    head.append("Test-User: alice\r\nContent-Type: ");
    head.append(random.nextBoolean() ? "application/json" : "multipart/form-data; boundary=b");
    head.append("\r\nContent-Length: ").append(body.length).append("\r\n");
    for (int keys = 1 + random.nextInt(8) / 7; keys > 0; keys--) {
      head.append("Idempotency-Key: ").append(key(random)).append("\r\n");
    }
    head.append("\r\n");
    byte[] start = head.toString().getBytes(StandardCharsets.ISO_8859_1);
    byte[] all = Arrays.copyOf(start, start.length + body.length);
    System.arraycopy(body, 0, all, start.length, body.length);
    return all;
  }

  private static String key(Random random) {
    String plain = Long.toHexString(random.nextLong());
    return switch (random.nextInt(8)) {
      case 0 -> '"' + plain;
      case 1 -> plain + "," + plain;
      case 2 -> '"' + plain + "\\" + visible(random) + '"';
      case 3 -> plain.repeat(random.nextInt(30));
      case 4 -> plain + (char) (128 + random.nextInt(128));
      case 5 -> random.nextInt(50) == 0 ? plain + (char) random.nextInt(32) : plain;
      default -> plain;
    };
  }

  private static char visible(Random random) {
    return (char) (' ' + random.nextInt(95));
  }

  private static byte[] body(Random random) {
    byte[] bytes =
        "{\"a\":[1,2,{\"b\":\"x\"}],\"c\":null}--b\r\n\r\n--b--\r\n"
            .getBytes(StandardCharsets.US_ASCII);
    for (int changes = random.nextInt(5); changes > 0; changes--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    return Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
  }
}
