package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import io.idem.client.jdk.IdempotentHttpClient;
import io.idem.core.AbandonedPolicy;
import io.idem.core.Attempt;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Operation;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An operation that calls out, crashes, and is run again by another node. */
class RerunTest {

  private final InMemoryStore store = new InMemoryStore();
  private final String id = UUID.randomUUID().toString();
  private final IdempotentHttpClient payments =
      new IdempotentHttpClient(HttpClient.newHttpClient(), CallContract.quick().build());

  private final List<Idempotency> engines = new ArrayList<>();

  @AfterEach
  void stop() {
    engines.forEach(Idempotency::close);
  }

  /** The operation on a node of its own. */
  private Operation<String> node() {
    Idempotency engine = Idempotency.builder().store(store).build();
    engines.add(engine);
    return engine
        .operation("orders.pay", String.class)
        .onAbandoned(new AbandonedPolicy.Retry<>())
        .build();
  }

  private CallAnswer<HttpResponse<String>> charge(Attempt attempt) throws IOException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(CallContract.SERVER.url() + "/charges?call=" + id))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString("{\"cents\":100}"))
            .build();
    return payments.call(OutgoingCall.of(attempt, "charge"), request, BodyHandlers.ofString());
  }

  @Test
  void theSecondRunRepeatsTheCallOfTheFirst() throws Exception {
    Visits visits = CallContract.SERVER.expect(id);
    IdempotentRequest order = IdempotentRequest.of("order-" + id);
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                node()
                    .execute(
                        order,
                        attempt -> {
                          assertThat(charge(attempt)).isInstanceOf(CallAnswer.Ran.class);
                          throw new IllegalStateException("The node crashes");
                        }));

    Execution<String> paid =
        node()
            .execute(
                order,
                attempt -> {
                  assertThat(attempt.number()).isEqualTo(2);
                  return charge(attempt).getClass().getSimpleName();
                });

    assertThat(paid.orElseThrow()).isEqualTo("Replayed");
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.keys).hasSize(2);
    assertThat(visits.keys.stream().distinct()).hasSize(1);
  }

  @Test
  void aRefusalInTheSecondRunSaysNothingOfTheFirst() throws Exception {
    Visits visits = CallContract.SERVER.expect(id, Fault.answer(201));
    IdempotentRequest order = IdempotentRequest.of("order-" + id);
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                node()
                    .execute(
                        order,
                        attempt -> {
                          charge(attempt);
                          throw new IllegalStateException("The node crashes");
                        }));

    CallContract.SERVER.expect(id, Fault.answer(403));
    Execution<String> second =
        node().execute(order, attempt -> charge(attempt).getClass().getSimpleName());

    assertThat(second.orElseThrow()).isEqualTo("Unknown");
    assertThat(visits.keys).hasSize(1);
  }

  @Test
  void twoStepsOfABodyAreTwoCalls() throws Exception {
    String[] keys = new String[3];
    node()
        .execute(
            IdempotentRequest.of("order-" + id),
            attempt -> {
              keys[0] = OutgoingCall.of(attempt, "charge").key();
              keys[1] = OutgoingCall.of(attempt, "ship").key();
              keys[2] = OutgoingCall.of(attempt, "charge").key();
              assertThat(OutgoingCall.of(attempt, "charge").sentBefore()).isFalse();
              return "";
            });

    assertThat(keys[0]).isEqualTo(keys[2]).isNotEqualTo(keys[1]);
  }
}
