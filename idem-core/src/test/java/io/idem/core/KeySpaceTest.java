package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One space of keys for several operations: what was used with one is misuse at the others. */
class KeySpaceTest extends RunnerTest {

  private static final String SPACE = "payments";
  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42");

  private final Node node = Node.start(runner());
  private final Concurrency threads = new Concurrency();
  private final AtomicInteger runs = new AtomicInteger();
  private final Operation<String> charge = in(SPACE, "charge", builder -> builder);
  private final Operation<String> refund = in(SPACE, "refund", builder -> builder);

  @AfterEach
  void stop() {
    threads.close();
    node.close();
  }

  private Operation<String> in(
      String space, String name, UnaryOperator<Operation.Builder<String>> settings) {
    return settings
        .apply(node.idempotency.operation(name, String.class).lease(Node.LEASE))
        .keySpace(space)
        .build();
  }

  private Execution<String> run(Operation<String> operation, IdempotentRequest request) {
    return on(operation).execute(request, attempt -> operation.name() + runs.incrementAndGet());
  }

  /** With nothing to compare, too: what another operation did is never this one's answer. */
  @ParameterizedTest
  @NullSource
  @ValueSource(strings = "10 EUR")
  void aKeyOfOneOperationIsMisuseAtAnother(String compared) {
    IdempotentRequest request = compared == null ? KEY : KEY.comparing(compared);
    assertThat(run(charge, request)).isEqualTo(new Execution.Ran<>("charge1", Recording.STORED));
    assertThat(run(refund, request)).isEqualTo(new Execution.KeyReused<>());
    assertThat(run(charge, request)).isEqualTo(new Execution.Replayed<>("charge1"));
    assertThat(run(charge, KEY.comparing("11 EUR"))).isEqualTo(new Execution.KeyReused<>());
    assertThat(runs).hasValue(1);
    assertThat(node.decisions())
        .containsExactly(Decision.RAN, Decision.KEY_REUSED, Decision.REPLAYED, Decision.KEY_REUSED);
    assertThat(charge.keySpace()).isEqualTo(SPACE);
  }

  @Test
  void aKeyThatRunsIsMisuseAtAnotherAtOnce() {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    var running =
        threads.start(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          started.countDown();
                          await(end);
                          return "done";
                        }));
    await(started);
    assertThat(run(refund, KEY)).isEqualTo(new Execution.KeyReused<>());
    try (Node neighbour = node.neighbour()) {
      Operation<String> there =
          neighbour.idempotency.operation("refund", String.class).keySpace(SPACE).build();
      assertThat(run(there, KEY)).isEqualTo(new Execution.KeyReused<>());
    }
    end.countDown();
    assertThat(running.answer()).isEqualTo(new Execution.Ran<>("done", Recording.STORED));
    assertThat(runs).hasValue(0);
  }

  @Test
  void anAbandonedKeyIsNotTakenOverByAnotherOperation() {
    node.abandon(charge, KEY);
    Operation<String> retried =
        in(SPACE, "retried", builder -> builder.onAbandoned(new AbandonedPolicy.Retry<>()));
    assertThat(run(retried, KEY)).isEqualTo(new Execution.KeyReused<>());
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(runs).hasValue(0);
  }

  @Test
  void aRecordIsKeptAsLongAsTheOperationThatMadeItSays() {
    Operation<String> brief = in(SPACE, "brief", builder -> builder.retention(Duration.ofHours(1)));
    Operation<String> lasting =
        in(SPACE, "lasting", builder -> builder.retention(Duration.ofDays(2)));
    run(brief, KEY);
    run(lasting, KEY.from("bob"));
    node.passes(Duration.ofHours(2));
    assertThat(run(lasting, KEY)).isEqualTo(new Execution.Ran<>("lasting3", Recording.STORED));
    assertThat(run(brief, KEY)).isEqualTo(new Execution.KeyReused<>());
    assertThat(run(brief, KEY.from("bob"))).isEqualTo(new Execution.KeyReused<>());
    node.passes(Duration.ofHours(47));
    assertThat(run(brief, KEY.from("bob")))
        .isEqualTo(new Execution.Ran<>("brief4", Recording.STORED));
  }

  @Test
  void aBatchMeetsTheKeysOfOtherOperations() {
    run(charge, KEY);
    List<ItemAnswer<String>> answers =
        refund.executeAll(
            List.of(KEY, IdempotentRequest.of("order-43"), IdempotentRequest.of("order-43")),
            items -> items.stream().map(item -> "batch" + runs.incrementAndGet()).toList());
    assertThat(answers)
        .containsExactly(
            new ItemAnswer.Answered<>(new Execution.KeyReused<>()),
            new ItemAnswer.Answered<>(new Execution.Ran<>("batch2", Recording.STORED)),
            new ItemAnswer.Answered<>(new Execution.Replayed<>("batch2")));
    assertThat(run(charge, IdempotentRequest.of("order-43")))
        .isEqualTo(new Execution.KeyReused<>());
  }

  @Test
  void anAnswerInTheCacheIsNoAnswerOfAnotherOperation() {
    MapAnswerCache cache = new MapAnswerCache();
    try (Node cached = node.neighbour(builder -> builder.answerCache(cache))) {
      run(cached.operation().keySpace(SPACE).build(), KEY);
      assertThat(cache.answers).hasSize(1);
      Operation<String> other =
          cached.idempotency.operation("refund", String.class).keySpace(SPACE).build();
      assertThat(run(other, KEY)).isEqualTo(new Execution.KeyReused<>());
    }
  }

  @Test
  void anOperationOfTheSpacesNameIsNotInIt() {
    Operation<String> namesake = node.idempotency.operation(SPACE, String.class).build();
    Operation<String> elsewhere = in("invoices", "charge", builder -> builder);
    assertThat(run(charge, KEY)).isEqualTo(new Execution.Ran<>("charge1", Recording.STORED));
    assertThat(run(namesake, KEY)).isEqualTo(new Execution.Ran<>("payments2", Recording.STORED));
    assertThat(run(elsewhere, KEY)).isEqualTo(new Execution.Ran<>("charge3", Recording.STORED));
    assertThat(run(charge, KEY.from("bob")))
        .isEqualTo(new Execution.Ran<>("charge4", Recording.STORED));
    assertThat(namesake.keySpace()).isNull();
  }

  /** A key that expired may be used anew by another operation, which calls others anew. */
  @Test
  void keysForOtherSystemsAreTheOperationsOwn() {
    List<String> keys = new ArrayList<>();
    on(charge).execute(KEY, attempt -> keys.add(attempt.outgoingKey("step")) + "");
    node.passes(Duration.ofDays(2));
    on(refund).execute(KEY, attempt -> keys.add(attempt.outgoingKey("step")) + "");
    on(node.idempotency.operation("charge", String.class).build())
        .execute(KEY, attempt -> keys.add(attempt.outgoingKey("step")) + "");
    assertThat(keys).hasSize(3);
    assertThat(keys.get(0)).isNotEqualTo(keys.get(1)).isEqualTo(keys.get(2));
  }

  /** Records of a purged store that says where they are. */
  private record Records(Object target) implements TransactionalStore, ExpiredEntries {

    @Override
    public <R, X extends Throwable> R inTransaction(TransactionWork<R, X> work) {
      throw new AssertionError("not needed");
    }

    @Override
    public int purgeExpired(int limit) {
      return 0;
    }

    @Override
    public Object purgeTarget() {
      return target;
    }
  }

  @Test
  void twoModesOrStoresAreNoSpace() {
    assertThatIllegalStateException()
        .isThrownBy(() -> in(SPACE, "join", builder -> builder.transactional(new Records("table"))))
        .withMessageContainingAll(
            "'charge'",
            "'join'",
            "'payments'",
            "LEASED and TRANSACTIONAL",
            "key spaces of their own");
    in("joined", "first", builder -> builder.transactional(new Records("table")));
    in("joined", "second", builder -> builder.transactional(new Records("table")));
    assertThatIllegalStateException()
        .isThrownBy(
            () -> in("joined", "third", builder -> builder.transactional(new Records("other"))))
        .withMessageContaining("different stores");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "half a pair \ud800"})
  void aNameThatIsNoneIsRefused(String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> in(name, "charge", builder -> builder))
        .withMessageContaining("key space");
  }
}
