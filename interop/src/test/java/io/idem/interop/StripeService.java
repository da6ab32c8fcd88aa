package io.idem.interop;

import io.idem.servlet.CallerResolver;
import io.idem.spring.Idempotent;
import jakarta.servlet.http.HttpServletRequest;
import java.util.UUID;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** As much of a payment API as clients of Stripe's need to speak to it. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(StripeService.Payments.class)
class StripeService {

  /** The owner of the API key, and the account it acts for. */
  @Bean
  CallerResolver callers() {
    return request ->
        request.getHeader("Authorization") + " for " + request.getHeader("Stripe-Account");
  }

  @RestController
  static class Payments {

    private final Desk desk;

    Payments(Desk desk) {
      this.desk = desk;
    }

    @PostMapping("/v1/charges")
    @Idempotent(waitAtMost = "20s")
    ResponseEntity<String> charge(@RequestParam long amount, @RequestParam String description) {
      int run = desk.run(description);
      if (description.startsWith("declined")) {
        return json(
            402,
            "{\"error\":{\"type\":\"card_error\",\"code\":\"card_declined\",\"message\":\"No. %s\"}}"
                .formatted(UUID.randomUUID()));
      }
      if (description.startsWith("broken") && run == 1) {
        throw new IllegalStateException("Nobody knows whether it was charged");
      }
      return json(
          200,
          "{\"id\":\"ch_%s\",\"object\":\"charge\",\"amount\":%d}"
              .formatted(UUID.randomUUID(), amount));
    }

    @PostMapping("/v1/charges/{charge}/capture")
    @Idempotent
    ResponseEntity<String> capture(@PathVariable String charge) {
      desk.run("capture of " + charge);
      return json(200, "{\"id\":\"%s\",\"object\":\"charge\",\"captured\":true}".formatted(charge));
    }

    /** Does not have its repeats wait. */
    @PostMapping("/v1/refunds")
    @Idempotent(waitAtMost = "0")
    ResponseEntity<String> refund(HttpServletRequest request) {
      String charge = request.getParameter("charge");
      desk.run("refund of " + charge);
      return json(
          200,
          "{\"id\":\"re_%s\",\"object\":\"refund\",\"charge\":\"%s\"}"
              .formatted(UUID.randomUUID(), charge));
    }

    private static ResponseEntity<String> json(int status, String body) {
      return ResponseEntity.status(status).contentType(MediaType.APPLICATION_JSON).body(body);
    }
  }
}
