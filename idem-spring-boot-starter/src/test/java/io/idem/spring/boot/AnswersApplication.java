package io.idem.spring.boot;

import io.idem.core.AbandonedPolicy.Recovery;
import io.idem.core.AbandonedPolicy.RecoveryHook;
import io.idem.core.Attempt;
import io.idem.http.HeaderField;
import io.idem.http.HttpOutcome;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotentExchange;
import io.idem.spring.Idempotent;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.CrossOrigin;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** Endpoints that answer in all the ways there are. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(AnswersApplication.Endpoints.class)
class AnswersApplication {

  @Bean
  CallerResolver callers() {
    return request -> "somebody";
  }

  @Bean
  RecoveryHook<HttpOutcome> finder() {
    return new Finder();
  }

  /** Has always found that it happened. */
  static final class Finder implements RecoveryHook<HttpOutcome> {

    @Override
    public Recovery<HttpOutcome> recover(Attempt attempt) {
      return new Recovery.Happened<>(
          HttpOutcome.answered(
              201,
              List.of(
                  new HeaderField("Content-Type", "text/plain"),
                  new HeaderField("Location", "/found/1")),
              "found".getBytes(StandardCharsets.UTF_8)));
    }
  }

  @ResponseStatus(code = HttpStatus.CONFLICT, reason = "too late")
  static class TooLate extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  record Named(String name) {}

  @RestController
  static class Endpoints {

    private final Map<String, AtomicInteger> runs = new ConcurrentHashMap<>();
    private final Semaphore entered = new Semaphore(0);
    private final Semaphore mayLeave = new Semaphore(0);
    private final AtomicInteger version = new AtomicInteger(1);
    private final JdbcTemplate jdbc;

    Endpoints(JdbcTemplate jdbc) {
      this.jdbc = jdbc;
      jdbc.execute("create table if not exists effect (name varchar(100))");
    }

    int runsOf(String name) {
      return runs.computeIfAbsent(name, any -> new AtomicInteger()).get();
    }

    private int run(String name) {
      jdbc.update("insert into effect values (?)", name);
      return runs.computeIfAbsent(name, any -> new AtomicInteger()).incrementAndGet();
    }

    int effectsOf(String name) {
      Integer count =
          jdbc.queryForObject("select count(*) from effect where name = ?", Integer.class, name);
      return count == null ? -1 : count;
    }

    @PostMapping("/send-error/{name}")
    @Idempotent
    void sendError(@PathVariable String name, HttpServletResponse response) throws IOException {
      run(name);
      response.sendError(409, "too late");
    }

    @PostMapping("/send-error-leased/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    void sendErrorLeased(@PathVariable String name, HttpServletResponse response)
        throws IOException {
      sendError(name, response);
    }

    @PostMapping("/status-exception/{name}")
    @Idempotent
    void statusException(@PathVariable String name) {
      run(name);
      throw new ResponseStatusException(HttpStatus.CONFLICT, "too late");
    }

    @PostMapping("/annotated-exception/{name}")
    @Idempotent
    void annotatedException(@PathVariable String name) {
      run(name);
      throw new TooLate();
    }

    @PostMapping("/problem-detail/{name}")
    @Idempotent
    ProblemDetail problemDetail(@PathVariable String name) {
      return ProblemDetail.forStatusAndDetail(HttpStatus.CONFLICT, "too late " + run(name));
    }

    @PostMapping("/inherited/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    ResponseEntity<String> inherited(@PathVariable String name) {
      return failed(name);
    }

    @PostMapping("/released/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, serverErrors = Idempotent.ServerErrors.RELEASE)
    ResponseEntity<String> released(@PathVariable String name) {
      return failed(name);
    }

    @PostMapping("/unknown/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, serverErrors = Idempotent.ServerErrors.UNKNOWN)
    ResponseEntity<String> unknown(@PathVariable String name) {
      return failed(name);
    }

    @PostMapping("/undone/{name}")
    @Idempotent(serverErrors = Idempotent.ServerErrors.UNKNOWN)
    ResponseEntity<String> undone(@PathVariable String name) {
      return failed(name);
    }

    @PostMapping("/committed/{name}")
    @Idempotent(serverErrors = Idempotent.ServerErrors.RECORD)
    ResponseEntity<String> committed(@PathVariable String name) {
      return failed(name);
    }

    private ResponseEntity<String> failed(String name) {
      return ResponseEntity.status(502).body("no bank " + run(name));
    }

    @PostMapping("/status/{status}/{name}")
    @Idempotent
    ResponseEntity<String> status(@PathVariable int status, @PathVariable String name) {
      return ResponseEntity.status(status).body(name + run(name));
    }

    @CrossOrigin("http://shop.example")
    @PostMapping("/busy")
    @Idempotent(waitAtMost = "0", mode = Idempotent.Mode.LEASED)
    String busy() throws InterruptedException {
      return hold();
    }

    @PostMapping("/busy-in-its-own-way")
    @Idempotent(
        waitAtMost = "0",
        mode = Idempotent.Mode.LEASED,
        busyStatus = 423,
        retryAfter = "1500ms")
    String busyInItsOwnWay() throws InterruptedException {
      return hold();
    }

    private String hold() throws InterruptedException {
      entered.release();
      if (!mayLeave.tryAcquire(30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody let it go");
      }
      return "held";
    }

    void awaitEntered() throws InterruptedException {
      if (!entered.tryAcquire(30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody came");
      }
    }

    void letGo() {
      mayLeave.release();
    }

    @PostMapping("/abandoned-refuse/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    String refuse(@PathVariable String name, HttpServletRequest request) {
      return lost(name, request);
    }

    @PostMapping("/abandoned-retry/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, onAbandoned = "RETRY")
    String retry(@PathVariable String name, HttpServletRequest request) {
      return lost(name, request);
    }

    @PostMapping("/abandoned-recover/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, onAbandoned = "finder")
    String recover(@PathVariable String name, HttpServletRequest request) {
      return lost(name, request);
    }

    /** The first run ends without anybody knowing how. */
    private String lost(String name, HttpServletRequest request) {
      int run = run(name);
      if (run == 1) {
        IdempotentExchange.outcomeUnknown(request);
      }
      return "run " + run;
    }

    @PostMapping("/compressible/{name}")
    @Idempotent
    String compressible(@PathVariable String name) {
      return name.repeat(100) + run(name);
    }

    @PostMapping("/encoded/{name}")
    @Idempotent
    ResponseEntity<byte[]> encoded(@PathVariable String name) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
        gzip.write((name + run(name)).getBytes(StandardCharsets.UTF_8));
      }
      return ResponseEntity.ok()
          .header("Content-Encoding", "gzip")
          .header("Content-Type", "text/plain")
          .eTag("\"1\"")
          .body(bytes.toByteArray());
    }

    @PostMapping("/versioned")
    @Idempotent
    ResponseEntity<String> versioned(@RequestHeader("If-Match") String expected) {
      int now = version.get();
      if (!expected.equals("\"" + now + "\"")) {
        return ResponseEntity.status(412).build();
      }
      version.incrementAndGet();
      return ResponseEntity.ok().eTag("\"" + version + "\"").body("changed " + now);
    }

    @PostMapping("/bound")
    @Idempotent
    String bound(@RequestBody Named body) {
      return body.name() + run(body.name());
    }
  }
}
