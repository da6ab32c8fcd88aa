package io.idem.webflux;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.scheduling.annotation.Async;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What cannot be protected keeps the application from starting. */
class StartupRefusalTest {

  static List<Arguments> unprotectable() {
    return List.of(
        Arguments.of(Events.class, "stream"),
        Arguments.of(Lines.class, "application/x-ndjson"),
        Arguments.of(Transactional.class, "transactional mode"),
        Arguments.of(Asynchronous.class, "@Async"),
        Arguments.of(Reading.class, "safe methods only"),
        Arguments.of(Recording.class, "recordFailures"));
  }

  @ParameterizedTest
  @MethodSource("unprotectable")
  void aHandlerThatCannotBeProtectedIsRefused(Class<?> controller, String why) {
    assertThatThrownBy(() -> new WebFluxServer(controller).close())
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining(controller.getSimpleName())
        .hasMessageContaining(why);
  }

  @RestController
  static class Events {
    @PostMapping("/events")
    @Idempotent
    Flux<ServerSentEvent<String>> handle() {
      return Flux.never();
    }
  }

  @RestController
  static class Lines {
    @PostMapping(path = "/lines", produces = "application/x-ndjson")
    @Idempotent
    Flux<String> handle() {
      return Flux.never();
    }
  }

  @RestController
  static class Transactional {
    @PostMapping("/transactional")
    @Idempotent(mode = Idempotent.Mode.TRANSACTIONAL)
    Mono<String> handle() {
      return Mono.empty();
    }
  }

  @RestController
  static class Asynchronous {
    @PostMapping("/async")
    @Async
    @Idempotent
    public Mono<String> handle() {
      return Mono.empty();
    }
  }

  @RestController
  static class Reading {
    @GetMapping("/reading")
    @Idempotent
    Mono<String> handle() {
      return Mono.empty();
    }
  }

  @RestController
  static class Recording {
    @PostMapping("/recording")
    @Idempotent(recordFailures = IllegalStateException.class)
    Mono<String> handle() {
      return Mono.empty();
    }
  }
}
