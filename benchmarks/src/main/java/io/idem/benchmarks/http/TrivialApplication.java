package io.idem.benchmarks.http;

import io.idem.core.Idempotency;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotencyFilter;
import io.idem.spring.Idempotent;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Endpoints that read their body and say the same to everybody. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(TrivialApplication.Endpoints.class)
class TrivialApplication {

  static final String ANSWER = "{\"state\":\"paid\",\"number\":12345}";

  private static final String JSON = "application/json";

  /** Short enough for the store's bound on records at any speed. */
  private static final Duration RETENTION = Duration.ofSeconds(2);

  static String[] arguments() {
    return new String[] {
      "--server.port=0",
      "--server.address=127.0.0.1",
      "--server.tomcat.max-keep-alive-requests=-1",
      "--spring.main.banner-mode=off",
      "--logging.level.root=warn",
      "--idem.store=memory",
      "--idem.retention=2s",
      "--idem.purge-every=1s"
    };
  }

  @Bean
  CallerResolver callers() {
    return request -> "somebody";
  }

  @Bean
  ServletRegistrationBean<TrivialServlet> plainServlet() {
    return servlet("plainServlet", "/servlet");
  }

  @Bean
  ServletRegistrationBean<TrivialServlet> protectedServlet() {
    return servlet("protectedServlet", "/protected-servlet");
  }

  private static ServletRegistrationBean<TrivialServlet> servlet(String name, String path) {
    ServletRegistrationBean<TrivialServlet> servlet =
        new ServletRegistrationBean<>(new TrivialServlet(), path);
    servlet.setName(name);
    return servlet;
  }

  @Bean
  FilterRegistrationBean<Filter> servletFilter(Idempotency idempotency) {
    HttpEndpoint endpoint =
        HttpEndpoint.builder(
                HttpIdempotency.operation(idempotency, "servlet").retention(RETENTION).build())
            .build();
    FilterRegistrationBean<Filter> filter =
        new FilterRegistrationBean<>(
            new IdempotencyFilter(
                new HttpIdempotency(), request -> endpoint, request -> "somebody"));
    filter.addUrlPatterns("/protected-servlet");
    return filter;
  }

  static final class TrivialServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      request.getInputStream().readAllBytes();
      response.setContentType(JSON);
      response.setContentLength(ANSWER.length());
      response.getOutputStream().write(ANSWER.getBytes(StandardCharsets.US_ASCII));
    }
  }

  @RestController
  static class Endpoints {

    @PostMapping(path = "/plain", produces = JSON)
    byte[] plain(@RequestBody byte[] body) {
      return answer();
    }

    @Idempotent
    @PostMapping(path = "/protected", produces = JSON)
    byte[] guarded(@RequestBody byte[] body) {
      return answer();
    }

    @Idempotent(retention = "1h")
    @PostMapping(path = "/repeated", produces = JSON)
    byte[] repeated(@RequestBody byte[] body) {
      return answer();
    }

    private static byte[] answer() {
      return ANSWER.getBytes(StandardCharsets.US_ASCII);
    }
  }
}
