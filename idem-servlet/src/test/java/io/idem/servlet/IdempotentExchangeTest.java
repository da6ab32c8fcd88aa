package io.idem.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.http.HandlerResponse.Directive;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import jakarta.servlet.ServletRequest;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whose run it is that a handler speaks of. */
class IdempotentExchangeTest {

  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final Map<String, Object> attributes = new HashMap<>();
  private final ServletRequest request = proxy(ServletRequest.class);

  @AfterEach
  void close() {
    engine.close();
  }

  /** As where one filter's handler forwards to what another protects. */
  @Test
  void aRunWithinAnotherHasItsOwnWordAndTheOtherGoesOnAfterwards() {
    Attempt outer = proxy(Attempt.class);
    Attempt inner = proxy(Attempt.class);
    IdempotentExchange.Run around =
        IdempotentExchange.begin(request, outer, endpoint("POST /outer"));
    IdempotentExchange.Run within =
        IdempotentExchange.begin(request, inner, endpoint("POST /inner"));

    assertThat(IdempotentExchange.attempt(request)).containsSame(inner);
    IdempotentExchange.doNotKeepResponse(request);
    IdempotentExchange.end(request, within);

    assertThat(within.directive()).isEqualTo(Directive.DO_NOT_KEEP);
    assertThat(around.directive()).isEqualTo(Directive.BY_STATUS);
    assertThat(IdempotentExchange.attempt(request)).containsSame(outer);
    IdempotentExchange.nothingHappened(request);
    IdempotentExchange.end(request, around);

    assertThat(around.directive()).isEqualTo(Directive.NOTHING_HAPPENED);
    assertThat(attributes).isEmpty();
  }

  @Test
  void theLastWordCounts() {
    IdempotentExchange.Run run =
        IdempotentExchange.begin(request, proxy(Attempt.class), endpoint("POST /pay"));

    IdempotentExchange.nothingHappened(request);
    IdempotentExchange.outcomeUnknown(request);

    assertThat(run.directive()).isEqualTo(Directive.OUTCOME_UNKNOWN);
  }

  @Test
  void whatIsNoRunHasNobodyToTell() {
    assertThatCode(() -> IdempotentExchange.nothingHappened(request)).doesNotThrowAnyException();
    assertThat(attributes).isEmpty();
  }

  private HttpEndpoint endpoint(String operation) {
    return HttpEndpoint.builder(HttpIdempotency.operation(engine, operation).build()).build();
  }

  /** A request with attributes; all else is not asked for. */
  private <T> T proxy(Class<T> type) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) ->
                switch (method.getName()) {
                  case "getAttribute" -> attributes.get((String) arguments[0]);
                  case "setAttribute" -> {
                    attributes.put((String) arguments[0], arguments[1]);
                    yield null;
                  }
                  case "removeAttribute" -> {
                    attributes.remove((String) arguments[0]);
                    yield null;
                  }
                  case "equals" -> self == arguments[0];
                  case "hashCode" -> System.identityHashCode(self);
                  case "toString" -> type.getSimpleName();
                  default -> throw new UnsupportedOperationException(method.getName());
                }));
  }
}
