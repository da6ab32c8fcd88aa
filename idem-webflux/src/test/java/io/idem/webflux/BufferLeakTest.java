package io.idem.webflux;

import static io.idem.webflux.WebFluxServer.post;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.testkit.http.RawHttp;
import io.idem.testkit.http.RawRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Every pooled buffer is given back, whatever becomes of a request. */
@Timeout(120)
class BufferLeakTest {

  private final Logger detector =
      (Logger) LoggerFactory.getLogger("io.netty.util.ResourceLeakDetector");
  private final ListAppender<ILoggingEvent> reports = new ListAppender<>();
  private ResourceLeakDetector.Level before;

  @BeforeEach
  void watch() {
    before = ResourceLeakDetector.getLevel();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    reports.start();
    detector.addAppender(reports);
  }

  @AfterEach
  void stopWatching() {
    detector.detachAppender(reports);
    ResourceLeakDetector.setLevel(before);
  }

  @Test
  void aLeakWouldBeReported() {
    leak();

    for (int i = 0; i < 100 && reports.list.isEmpty(); i++) {
      provokeReports();
    }

    assertThat(reports.list).isNotEmpty();
  }

  @Test
  void requestsOfEveryKindLeakNothing() throws Exception {
    try (WebFluxServer server = new WebFluxServer(HandlerTest.Application.class)) {
      for (int i = 0; i < 20; i++) {
        RawRequest request = post("/mono");
        server.send(request);
        server.send(request);
        server.send(request.body("text/plain", "x".repeat(1000))); // reused
        server.send(post("/mono").body("text/plain", "x".repeat(WebFluxServer.MAX_REQUEST + 1)));
        server.send(
            post("/mono")
                .body("text/plain", "x".repeat(WebFluxServer.MAX_REQUEST + 1))
                .chunked(500));
        server.send(post("/large?bytes=50000"));
        server.send(post("/large?bytes=3000000"));
        server.send(post("/breaks-off"));
        server.send(post("/broken"));
        server.send(post("/form").body("application/x-www-form-urlencoded", "a=1&b=2"));
        server.send(post("/upload").body("multipart/form-data; boundary=x", "--x\r\nno end"));
        server.send(post("/mono").without("Idempotency-Key"));
        hangUpInTheMiddleOfTheBody(server);
      }
      provokeReports();
    }
    provokeReports();

    assertThat(reports.list).isEmpty();
  }

  private static void hangUpInTheMiddleOfTheBody(WebFluxServer server) throws Exception {
    byte[] bytes = post("/mono").body("text/plain", "x".repeat(5000)).toBytes();
    try (RawHttp client = RawHttp.to(server.base())) {
      client.send(Arrays.copyOf(bytes, bytes.length - 1000));
      client.reset();
    }
  }

  private static void leak() {
    ByteBuf lost = ByteBufAllocator.DEFAULT.buffer(10);
    lost.writeBytes("lost".getBytes(StandardCharsets.UTF_8));
  }

  /** Buffers that were collected are reported by the next ones that are made. */
  private static void provokeReports() {
    System.gc();
    for (int i = 0; i < 100; i++) {
      PooledByteBufAllocator.DEFAULT.buffer(1).release();
      ByteBufAllocator.DEFAULT.buffer(1).release();
    }
  }
}
