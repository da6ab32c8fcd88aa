package io.idem.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.http.HttpIdempotency;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.WebSettings;
import io.idem.testkit.http.RawHttp;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.reactive.HandlerAdapter;
import org.springframework.web.reactive.config.EnableWebFlux;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** An application of WebFlux behind the filter, on a socket. */
final class WebFluxServer implements AutoCloseable {

  static final int MAX_REQUEST = 20_000;
  static final int MAX_STORED = 10_000;
  static final int MAX_RESPONSE = 2_000_000;

  private final AnnotationConfigApplicationContext context =
      new AnnotationConfigApplicationContext();
  private final DisposableServer server;

  WebFluxServer(Class<?>... application) {
    this(new InMemoryStore(), application);
  }

  WebFluxServer(IdempotencyStore store, Class<?>... application) {
    try {
      context.registerBean(IdempotencyStore.class, () -> store);
      context.register(Setup.class);
      context.register(application);
      context.refresh();
      server =
          HttpServer.create()
              .host("127.0.0.1")
              .port(0)
              .handle(
                  new ReactorHttpHandlerAdapter(
                      WebHttpHandlerBuilder.applicationContext(context).build()))
              .bindNow();
    } catch (RuntimeException e) {
      context.close();
      throw e;
    }
  }

  <B> B bean(Class<B> type) {
    return context.getBean(type);
  }

  URI base() {
    return URI.create("http://127.0.0.1:" + server.port());
  }

  RawResponse send(RawRequest request) {
    try {
      return RawHttp.exchange(base(), request);
    } catch (IOException e) {
      throw new AssertionError("No answer to " + request, e);
    }
  }

  CompletableFuture<RawResponse> later(RawRequest request) {
    return RawHttp.later(base(), request);
  }

  static String unique() {
    return UUID.randomUUID().toString();
  }

  /** Alice's, with a small JSON body and a new key. */
  static RawRequest post(String path) {
    return RawRequest.of("POST", path)
        .header("X-Caller", "alice")
        .header("Idempotency-Key", unique())
        .body("application/json", "{\"amount\":1}");
  }

  static void assertReplay(RawResponse replay, RawResponse first) {
    assertThat(first.header("Idempotent-Replayed")).as("the mark in %s", first).isEmpty();
    assertThat(replay.header("Idempotent-Replayed"))
        .as("the mark in %s: %s", replay, replay.text())
        .containsExactly("true");
    assertThat(replay.status()).isEqualTo(first.status());
    assertThat(replay.body()).isEqualTo(first.body());
    assertThat(replay.header("Content-Type")).isEqualTo(first.header("Content-Type"));
  }

  static void assertProblem(RawResponse response, int status, String type) {
    assertThat(response.status())
        .as("status of %s: %s", response, response.text())
        .isEqualTo(status);
    assertThat(response.text()).contains("/" + type + "\"");
  }

  @Override
  public void close() {
    server.disposeNow(Duration.ofSeconds(10));
    context.close();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableWebFlux
  @EnableIdempotency
  static class Setup {

    @Bean(destroyMethod = "close")
    Idempotency engine(IdempotencyStore store) {
      return Idempotency.builder()
          .namespace("test")
          .store(store)
          .waitAtMost(Duration.ofSeconds(20))
          .build();
    }

    @Bean
    HttpIdempotency protocol() {
      return new HttpIdempotency();
    }

    @Bean
    WebFluxEndpoints endpoints(IdempotentOperations operations, ListableBeanFactory beans) {
      return new WebFluxEndpoints(
          operations,
          WebSettings.builder()
              .callersKnown(true)
              .maxRequestBytes(MAX_REQUEST)
              .maxStoredBytes(MAX_STORED)
              .maxResponseBytes(MAX_RESPONSE)
              .build(),
          beans);
    }

    @Bean
    IdempotencyWebFilter filter(
        HttpIdempotency protocol,
        WebFluxEndpoints endpoints,
        ServerCodecConfigurer codecs,
        List<WebExceptionHandler> errorHandlers) {
      return IdempotencyWebFilter.builder(protocol, endpoints)
          .callers(
              exchange -> Mono.justOrEmpty(exchange.getRequest().getHeaders().getFirst("X-Caller")))
          .authorizer(endpoints)
          .codecs(codecs)
          .errorHandlers(errorHandlers)
          .build();
    }

    @Bean
    WebFluxEndpointGuard guard(
        WebFluxEndpoints endpoints, ObjectProvider<HandlerAdapter> adapters) {
      return new WebFluxEndpointGuard(endpoints, adapters::orderedStream);
    }

    @Bean
    WebFluxExceptionHandler engineProblems(HttpIdempotency protocol) {
      return new WebFluxExceptionHandler(protocol);
    }
  }
}
