package io.idem.benchmarks.http;

import io.idem.core.Idempotency;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotencyFilter;
import jakarta.servlet.Filter;
import java.time.Duration;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The endpoints behind Idem, with the in-memory store. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import({TrivialEndpoints.Plain.class, TrivialEndpoints.Protected.class})
class ProtectedApplication {

  /** Short enough for the store's bound on records at any speed. */
  private static final Duration RETENTION = Duration.ofSeconds(2);

  @Bean
  CallerResolver callers() {
    return request -> "somebody";
  }

  @Bean
  ServletRegistrationBean<TrivialEndpoints.TrivialServlet> protectedServlet() {
    return TrivialEndpoints.servlet("/protected-servlet");
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
}
