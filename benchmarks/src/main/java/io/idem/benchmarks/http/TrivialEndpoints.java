package io.idem.benchmarks.http;

import io.idem.spring.Idempotent;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Endpoints that read their JSON and say the same to everybody. */
final class TrivialEndpoints {

  static final String ANSWER = "{\"number\":12345,\"state\":\"paid\"}";

  private static final String JSON = "application/json";

  private TrivialEndpoints() {}

  static ServletRegistrationBean<TrivialServlet> servlet(String path) {
    return new ServletRegistrationBean<>(new TrivialServlet(), path);
  }

  /** Reads bytes and writes bytes: as little as a servlet can do. */
  static final class TrivialServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      request.getInputStream().readAllBytes();
      response.setContentType(JSON);
      response.setContentLength(ANSWER.length());
      response.getOutputStream().write(answer());
    }
  }

  private static byte[] answer() {
    return ANSWER.getBytes(StandardCharsets.US_ASCII);
  }

  record Payment(String from, String to, long amount) {}

  record Receipt(int number, String state) {}

  private static Receipt receipt() {
    return new Receipt(12345, "paid");
  }

  /** What nothing protects. */
  @RestController
  static class Plain {

    @PostMapping("/plain")
    Receipt plain(@RequestBody Payment payment) {
      return receipt();
    }

    @PostMapping(path = "/plain-bytes", produces = JSON)
    byte[] bytes(@RequestBody byte[] body) {
      return answer();
    }
  }

  /** The same, protected. */
  @RestController
  static class Protected {

    @Idempotent
    @PostMapping("/protected")
    Receipt guarded(@RequestBody Payment payment) {
      return receipt();
    }

    @Idempotent
    @PostMapping(path = "/protected-bytes", produces = JSON)
    byte[] bytes(@RequestBody byte[] body) {
      return answer();
    }

    @Idempotent(retention = "1h")
    @PostMapping("/repeated")
    Receipt repeated(@RequestBody Payment payment) {
      return receipt();
    }
  }
}
