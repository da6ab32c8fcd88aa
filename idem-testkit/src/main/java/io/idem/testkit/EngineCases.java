package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Body;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.Recording;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What two nodes with an engine each get of a store. */
abstract class EngineCases extends TimeCases {

  @Test
  void keysThatLookAlikeAreDifferentKeys() {
    String salt = UUID.randomUUID().toString();
    try (Node node = new Node("pay")) {
      List<String> keys =
          List.of(
              "abc" + salt,
              "ABC" + salt,
              "Abc" + salt,
              "\u00e1bc" + salt,
              "a\u0301bc" + salt,
              "\u00c1bc" + salt,
              "strasse" + salt,
              "stra\u00dfe" + salt,
              "\uff41bc" + salt,
              "i" + salt,
              "\u0131" + salt,
              "\u0130" + salt,
              salt,
              salt + " ",
              " " + salt,
              salt + "\u0000",
              salt + "\ud83d\ude00",
              salt + "\ud83d\ude01");
      for (String key : keys) {
        assertRunsOnce(node, IdempotentRequest.of(key));
      }
    }
  }

  @Test
  void partsThatJoinAlikeAreDifferentKeys() {
    for (String between : List.of(":", "/", "|", "\u0000", ",", "")) {
      String salt = UUID.randomUUID().toString();
      try (Node pay = new Node("pay" + between + "a");
          Node other = new Node("pay")) {
        assertRunsOnce(pay, new Source("b").key(salt));
        assertRunsOnce(other, new Source("a" + between + "b").key(salt));
        assertRunsOnce(other, new Source("b" + between).key(salt));
        assertRunsOnce(other, new Source("b" + between + salt).key("c"));
        assertRunsOnce(other, new Source("b").key(salt + between + "c"));
        assertRunsOnce(other, new Source("").key("b" + between + salt + between + "c"));
        assertRunsOnce(other, new Source("c").key(salt + between + "b"));
      }
    }
  }

  @Test
  void sameKeyWithAnotherRequestIsMisuseOnEveryNode() {
    try (Node node = new Node("pay")) {
      IdempotentRequest request = request().comparing("10 EUR");
      assertRunsOnce(node, request);

      IdempotentRequest misuse = request.comparing("10 USD");
      assertThat(execute(node.here, misuse, attempt -> "again"))
          .isEqualTo(new Execution.KeyReused<>());
      assertThat(execute(node.there, misuse, attempt -> "again"))
          .isEqualTo(new Execution.KeyReused<>());
      assertThat(execute(node.there, request, attempt -> "again"))
          .isInstanceOf(Execution.Replayed.class);
    }
  }

  @Test
  void waiterThatGivesUpLeavesTheOwnerAlone() {
    try (Node node = new Node("pay")) {
      IdempotentRequest request = request();
      CountDownLatch running = new CountDownLatch(1);
      CountDownLatch gaveUp = new CountDownLatch(1);

      Execution<String> owner =
          Together.runWhile(
              () ->
                  execute(
                      node.here,
                      request,
                      attempt -> {
                        running.countDown();
                        Together.await(gaveUp);
                        assertThat(attempt.isOwner()).isTrue();
                        return "owner";
                      }),
              () -> {
                Together.await(running);
                for (int i = 0; i < 3; i++) {
                  assertThat(execute(node.there, request, attempt -> "waiter"))
                      .isInstanceOf(Execution.Busy.class);
                }
                gaveUp.countDown();
              });

      assertThat(owner).isEqualTo(new Execution.Ran<>("owner", Recording.STORED));
      assertThat(execute(node.there, request, attempt -> "waiter"))
          .isEqualTo(new Execution.Replayed<>("owner"));
    }
  }

  @Test
  void storeFailureAfterSuccessKeepsTheKeyAndTheResult() {
    for (FaultyStore.Completions failure :
        List.of(FaultyStore.Completions.REFUSED, FaultyStore.Completions.UNANSWERED)) {
      try (Node node = new Node("pay")) {
        IdempotentRequest request = request();
        AtomicInteger runs = new AtomicInteger();
        node.storeHere.completionsAre(failure);

        assertThat(execute(node.here, request, attempt -> "result " + runs.incrementAndGet()))
            .isEqualTo(new Execution.Ran<>("result 1", Recording.PENDING));
        Execution<String> meanwhile =
            execute(node.there, request, attempt -> "result " + runs.incrementAndGet());
        assertThat(meanwhile)
            .isIn(new Execution.Busy<>(Node.RETRY_AFTER), new Execution.Replayed<>("result 1"));
        assertThat(meanwhile instanceof Execution.Replayed)
            .isEqualTo(failure == FaultyStore.Completions.UNANSWERED);

        node.storeHere.completionsAre(FaultyStore.Completions.ANSWERED);
        Together.await(
            "the completion to be repeated",
            () ->
                execute(node.there, request, attempt -> "result " + runs.incrementAndGet())
                        instanceof Execution.Replayed
                    || runs.get() > 1);
        assertThat(runs).hasValue(1);
        assertThat(execute(node.there, request, attempt -> "again"))
            .isEqualTo(new Execution.Replayed<>("result 1"));
      }
    }
  }

  @Test
  void ownerPausedBeyondItsLeaseChangesNothingOfItsSuccessor() {
    try (Node node =
        new Node("pay", operation -> operation.onAbandoned(new AbandonedPolicy.Retry<>()))) {
      IdempotentRequest request = request();

      execute(
          node.here,
          request,
          attempt -> {
            // As if the process had stood still: its heartbeat, too, has not beaten.
            age(node.storeHere.lastClaimed(), Requests.LEASE.plus(SECOND));
            assertThat(execute(node.there, request, successor -> "attempt " + successor.number()))
                .isEqualTo(new Execution.Ran<>("attempt 2", Recording.STORED));
            return "too late";
          });

      assertThat(execute(node.there, request, attempt -> "again"))
          .isEqualTo(new Execution.Replayed<>("attempt 2"));
      assertThat(execute(node.here, request, attempt -> "again"))
          .isEqualTo(new Execution.Replayed<>("attempt 2"));
    }
  }

  /** How a case has an operation carry a request, and waits for the answer. */
  Execution<String> execute(
      Operation<String> operation, IdempotentRequest request, Body<String, RuntimeException> body) {
    return operation.execute(request, body);
  }

  static IdempotentRequest request() {
    return IdempotentRequest.of(UUID.randomUUID().toString());
  }

  private void assertRunsOnce(Node node, IdempotentRequest request) {
    String result = UUID.randomUUID().toString();
    assertThat(execute(node.here, request, attempt -> result))
        .isEqualTo(new Execution.Ran<>(result, Recording.STORED));
    assertThat(execute(node.there, request, attempt -> "again"))
        .isEqualTo(new Execution.Replayed<>(result));
  }

  /** A caller. */
  private record Source(String name) {

    IdempotentRequest key(String key) {
      return IdempotentRequest.of(key).from(name);
    }
  }

  /** One operation on two nodes that share nothing but the stored records. */
  final class Node implements AutoCloseable {

    static final Duration RETRY_AFTER = Duration.ofSeconds(3);

    final FaultyStore storeHere = new FaultyStore(store());
    final Operation<String> here;
    final Operation<String> there;
    private final Idempotency engineHere = engine(storeHere);
    private final Idempotency engineThere = engine(new FaultyStore(otherStore()));

    Node(String operation) {
      this(operation, UnaryOperator.identity());
    }

    Node(String operation, UnaryOperator<Operation.Builder<String>> settings) {
      here = settings.apply(operation(engineHere, operation)).build();
      there = settings.apply(operation(engineThere, operation)).build();
    }

    private static Idempotency engine(FaultyStore store) {
      return Idempotency.builder().store(store).shutdownWithin(Duration.ofSeconds(2)).build();
    }

    private static Operation.Builder<String> operation(Idempotency engine, String name) {
      return engine
          .operation(name, String.class)
          .lease(Requests.LEASE)
          .retention(Requests.RETENTION)
          .waitAtMost(Duration.ofMillis(50))
          .retryAfter(RETRY_AFTER);
    }

    @Override
    public void close() {
      engineHere.close();
      engineThere.close();
    }
  }
}
