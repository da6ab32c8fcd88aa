package com.example.shop;

import io.idem.spring.Idempotent;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Reactive endpoints, one of them unprotected. */
@RestController
public class ReactiveOrders {

  /**
   * Protected.
   *
   * @return an answer
   */
  @PostMapping("/orders")
  @Idempotent(caller = Idempotent.Caller.SHARED)
  public Mono<String> create() {
    return Mono.just("made");
  }

  /**
   * Planted.
   *
   * @return an answer
   */
  @PatchMapping("/orders")
  public Mono<String> change() {
    return Mono.just("changed");
  }
}
