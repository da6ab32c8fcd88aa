package io.idem.webflux;

import static io.idem.webflux.WebFluxServer.post;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.InMemoryStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import io.idem.spring.Idempotent;
import io.idem.testkit.Together;
import io.idem.testkit.http.RawHttp;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;

/**
 * A run that outlives its request, where the headers are those of a container that gives its
 * request and response objects to the next request as soon as this one is over, as Tomcat does.
 */
@Timeout(60)
class RecycledRequestTest {

  @Test
  void p23_aRunThatOutlivesItsRequestSeesAndKeepsNothingOfTheNextOne() throws Exception {
    WaitingStore store = new WaitingStore();
    try (WebFluxServer server = new WebFluxServer(store, Application.class)) {
      RawRequest request =
          post("/seen").header("X-Seen", "alice's").header("Accept-Language", "de");
      try (RawHttp client = RawHttp.to(server.base())) {
        client.send(request.toBytes());
        Together.await(store.asked);
        client.reset();
      }
      Together.await(server.bean(Application.class).recycled);
      store.mayAnswer.countDown();

      RawResponse replay = server.send(request);

      assertThat(replay.status()).as("%s", replay.text()).isEqualTo(200);
      assertThat(replay.header("Idempotent-Replayed")).containsExactly("true");
      assertThat(replay.text()).isEqualTo("alice's de");
      assertThat(replay.header("X-Set-Before")).containsExactly("for alice");
      assertThat(replay.header("X-Session-Of")).isEmpty();
    }
  }

  /** Answers the first question once the test lets it. */
  private static final class WaitingStore implements IdempotencyStore {

    private final InMemoryStore store = new InMemoryStore();
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch mayAnswer = new CountDownLatch(1);

    @Override
    public Claim claim(ClaimRequest request) {
      asked.countDown();
      Together.await(mayAnswer);
      return store.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return store.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return store.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return store.renew(lease, leaseFor);
    }

    @Override
    public <C> Optional<C> capability(Class<C> type) {
      return Optional.empty();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @Import(Handler.class)
  static class Application {

    final CountDownLatch recycled = new CountDownLatch(1);

    @Bean
    @Order(0)
    WebFilter container() {
      return (exchange, chain) -> {
        HttpHeaders headers = new HttpHeaders();
        exchange.getRequest().getHeaders().forEach(headers::addAll);
        exchange.getResponse().getHeaders().set("X-Set-Before", "for alice");
        return chain
            .filter(
                exchange
                    .mutate()
                    .request(
                        new ServerHttpRequestDecorator(exchange.getRequest()) {
                          @Override
                          public HttpHeaders getHeaders() {
                            return headers;
                          }
                        })
                    .build())
            .doFinally(
                signal -> {
                  if (signal == SignalType.CANCEL) {
                    headers.clear();
                    headers.set("X-Seen", "mallory's");
                    exchange.getResponse().getHeaders().set("X-Set-Before", "for mallory");
                    exchange.getResponse().getHeaders().set("X-Session-Of", "mallory");
                    recycled.countDown();
                  }
                });
      };
    }
  }

  @RestController
  static class Handler {

    @PostMapping("/seen")
    @Idempotent
    Mono<String> seen(ServerWebExchange exchange) {
      return Mono.fromSupplier(
          () ->
              exchange.getRequest().getHeaders().getFirst("X-Seen")
                  + " "
                  + exchange.getLocaleContext().getLocale());
    }
  }
}
