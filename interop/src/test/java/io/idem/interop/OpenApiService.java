package io.idem.interop;

import io.idem.http.SourceCheck;
import io.idem.servlet.CallerResolver;
import io.idem.spring.Idempotent;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;

/** Endpoints with keys in all places and dialects, documented by springdoc. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(OpenApiService.Endpoints.class)
class OpenApiService {

  @Bean
  CallerResolver callers() {
    return request -> request.getHeader("X-User");
  }

  @Bean
  SourceCheck sources() {
    return String::equals;
  }

  record Order(String item, int pieces) {}

  record Invoice(Numbered invoice) {}

  record Numbered(String number, int sum) {}

  @RestController
  static class Endpoints {

    @PostMapping("/orders")
    @ResponseStatus(HttpStatus.CREATED)
    @ApiResponse(responseCode = "201", description = "Ordered.")
    @ApiResponse(responseCode = "401", description = "Who are you?")
    @ApiResponse(responseCode = "409", description = "Out of stock.")
    @Idempotent(operation = "orders.create", retention = "48h", busyStatus = 423)
    Order order(@RequestBody Order order) {
      return order;
    }

    @GetMapping("/orders")
    Order orders() {
      return new Order("none", 0);
    }

    @PostMapping("/optional")
    @Idempotent(
        operation = "optional",
        header = "X-Request-Key",
        required = false,
        caller = Idempotent.Caller.SHARED,
        notOlderThan = "12h")
    String optional(@RequestHeader("x-request-key") String key) {
      return key;
    }

    @PutMapping("/orders/{number}")
    @Idempotent(operation = "orders.put", keyFrom = "path:number")
    String put(@PathVariable String number, @RequestBody Order order) {
      return number;
    }

    @PostMapping("/invoices")
    @Idempotent(operation = "invoices", keyFrom = "json:/invoice/number")
    Invoice invoice(@RequestBody Invoice invoice) {
      return invoice;
    }

    @PostMapping("/invoices/drafts")
    Invoice draft(@RequestBody Invoice invoice) {
      return invoice;
    }

    @PostMapping("/subscriptions")
    @Idempotent(operation = "subscriptions", keyFrom = "form:number")
    String subscribe(@RequestParam String number) {
      return number;
    }

    @PostMapping(path = "/uploads", consumes = MediaType.MULTIPART_FORM_DATA_VALUE)
    @Idempotent(operation = "uploads")
    String upload(@RequestParam MultipartFile file) {
      return file.getName();
    }

    @PostMapping("/purchases")
    @Idempotent(operation = "purchases", keyFrom = "token")
    String purchase() {
      return "";
    }

    @PostMapping("/refunds")
    @Idempotent(operation = "refunds", keyFrom = "token-or-header")
    Order refund(@RequestBody Order order) {
      return order;
    }

    @PostMapping("/bookings")
    @Idempotent(
        operation = "bookings",
        sourceFrom = "header:X-System",
        keyFrom = "json:/number",
        required = false)
    String book() {
      return "";
    }

    @PostMapping("/charges")
    @Idempotent(operation = "charges", dialect = "stripe")
    Order charge() {
      return new Order("charge", 1);
    }

    @PostMapping("/transfers")
    @Idempotent(operation = "transfers", dialect = "oasis")
    Order transfer() {
      return new Order("transfer", 1);
    }

    @RequestMapping("/any")
    @Idempotent(operation = "any")
    String any() {
      return "";
    }
  }
}
