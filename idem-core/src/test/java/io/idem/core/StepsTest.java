package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.tuple;

import io.idem.core.AbandonedPolicy.Recover;
import io.idem.core.AbandonedPolicy.Recovery;
import io.idem.core.AbandonedPolicy.Refuse;
import io.idem.core.AbandonedPolicy.Retry;
import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Recovery points: what is recorded of a body, and what a later run of it makes of that. */
class StepsTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");
  private static final Duration RETENTION = Duration.ofHours(1);

  private final List<StepEvent> stepEvents = new CopyOnWriteArrayList<>();
  private final Node node =
      Node.start(Runner.SYNC, builder -> builder.listener(new StepListener(stepEvents)));
  private final Concurrency threads = new Concurrency();

  /** The outgoing keys that the other systems were sent, in their order. */
  private final List<String> charged = new CopyOnWriteArrayList<>();

  private final List<String> shipped = new CopyOnWriteArrayList<>();

  private record StepListener(List<StepEvent> events) implements DecisionListener {

    @Override
    public void onDecision(DecisionEvent event) {}

    @Override
    public void onStep(StepEvent event) {
      events.add(event);
    }
  }

  @AfterEach
  void stop() {
    threads.close();
    node.close();
  }

  private Operation.Builder<String> retrying() {
    return node.operation().retention(RETENTION).onAbandoned(new Retry<>());
  }

  private String charge(Attempt attempt) {
    return attempt.step(
        "charge",
        String.class,
        key -> {
          charged.add(key);
          return "receipt-" + charged.size();
        });
  }

  private void ship(Attempt attempt) {
    attempt.step("ship", shipped::add);
  }

  private String both(Attempt attempt) {
    String receipt = charge(attempt);
    ship(attempt);
    return receipt;
  }

  /** As if the process had died behind the first step. */
  private void crashBehindCharge(Operation<String> pay) {
    crashBehind(pay, this::charge);
  }

  private static void crashBehind(Operation<String> pay, Consumer<Attempt> steps) {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                pay.execute(
                    KEY,
                    attempt -> {
                      steps.accept(attempt);
                      throw new IllegalStateException("crash");
                    }))
        .withMessage("crash");
  }

  /** A first run that crashes behind all of its steps, and a re-run of them. */
  private void crashAndReRun(Operation<String> pay, Consumer<Attempt> steps) {
    crashBehind(pay, steps);
    assertRan(
        pay.execute(
            KEY,
            attempt -> {
              steps.accept(attempt);
              return "done";
            }),
        "done");
  }

  private static void assertRan(Execution<String> answer, String result) {
    assertThat(answer).isEqualTo(new Execution.Ran<>(result, Recording.STORED));
  }

  private List<Decision> stepDecisions() {
    return stepEvents.stream().map(StepEvent::decision).toList();
  }

  // ---- what is recorded, and what it costs

  @Test
  void aStepTakesTwoCallsOfTheStoreAndItsOperationTwoMoreForTheJournal() {
    Operation<String> pay = retrying().build();
    assertRan(pay.execute(KEY, this::both), "receipt-1");
    assertThat(node.store.calls(Verb.CLAIM)).isEqualTo(1 + 1 + 2);
    assertThat(node.store.calls(Verb.COMPLETE)).isEqualTo(1 + 2);
    assertThat(node.store.calls(Verb.RELEASE)).isEqualTo(1);
    assertThat(node.store.calls(Verb.RENEW)).isZero();
    assertThat(node.memory.size()).as("the operation and its steps").isEqualTo(3);
    assertThat(pay.execute(KEY, this::both)).isEqualTo(new Execution.Replayed<>("receipt-1"));
    assertThat(charged).hasSize(1);
    assertThat(shipped).hasSize(1);
  }

  @Test
  void aReRunResumesBehindTheLastFinishedStepWithOneCallForEach() {
    Operation<String> pay = retrying().build();
    crashBehindCharge(pay);
    int claims = node.store.calls(Verb.CLAIM);
    int completions = node.store.calls(Verb.COMPLETE);

    AtomicReference<String> outgoing = new AtomicReference<>();
    assertRan(
        pay.execute(
            KEY,
            attempt -> {
              outgoing.set(attempt.outgoingKey("charge"));
              return both(attempt);
            }),
        "receipt-1");

    assertThat(charged).containsExactly(outgoing.get());
    assertThat(shipped).hasSize(1).doesNotContain(outgoing.get());
    assertThat(node.store.calls(Verb.CLAIM) - claims).isEqualTo(1 + 1 + 2);
    assertThat(node.store.calls(Verb.COMPLETE) - completions).isEqualTo(1 + 1);
    assertThat(node.memory.size()).as("the journal is gone").isEqualTo(3);
  }

  @Test
  void aStepThatWasInterruptedRunsAgainWithTheSameKey() {
    Operation<String> pay = retrying().build();
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(
            () ->
                pay.execute(
                    KEY,
                    attempt ->
                        attempt.step(
                            "charge",
                            String.class,
                            key -> {
                              charged.add(key);
                              throw new UncheckedIOException(new IOException("no answer"));
                            })));
    assertRan(pay.execute(KEY, this::both), "receipt-2");
    assertThat(charged).hasSize(2).containsOnly(charged.get(0));
  }

  @Test
  void aFailedStepMayBeTriedAgainInTheSameRun() {
    Operation<String> pay = retrying().build();
    assertRan(
        pay.execute(
            KEY,
            attempt -> {
              assertThatIllegalStateException()
                  .isThrownBy(
                      () ->
                          attempt.step(
                              "charge",
                              key -> {
                                charged.add(key);
                                throw new IllegalStateException("no answer");
                              }));
              return charge(attempt);
            }),
        "receipt-2");
    assertThat(charged).hasSize(2).containsOnly(charged.get(0));
    assertThat(stepDecisions())
        .containsExactly(Decision.ABANDONED, Decision.TAKEN_OVER, Decision.RAN);
  }

  @Test
  void nullsAndOtherTypesAndCodecsAreKept() {
    Operation<String> pay = retrying().build();
    Step<List<String>> lines =
        Step.of(
            "lines",
            ResultCodec.of(
                list -> String.join(",", list).getBytes(StandardCharsets.UTF_8),
                bytes -> List.of(new String(bytes, StandardCharsets.UTF_8).split(","))));
    AtomicInteger bodies = new AtomicInteger();
    crashAndReRun(
        pay,
        attempt -> {
          assertThat(
                  attempt.step(
                      "count",
                      Long.class,
                      key -> {
                        bodies.incrementAndGet();
                        return 7L;
                      }))
              .isEqualTo(7L);
          assertThat(
                  attempt.<List<String>, RuntimeException>step(
                      lines,
                      key -> {
                        bodies.incrementAndGet();
                        return List.of("a", "b");
                      }))
              .containsExactly("a", "b");
          Step<@Nullable String> nothing = Step.of("null", ResultCodec.utf8());
          assertThat(
                  attempt.<@Nullable String, RuntimeException>step(
                      nothing,
                      key -> {
                        bodies.incrementAndGet();
                        return null;
                      }))
              .isNull();
        });
    assertThat(bodies).hasValue(3);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                pay.execute(
                    KEY.from("bob"), attempt -> "" + attempt.step("x", List.class, key -> null)))
        .withMessageContaining("No codec");
  }

  @Test
  void listenersAreToldOfStepsApartFromRequests() {
    Operation<String> pay = retrying().build();
    crashBehindCharge(pay);
    pay.execute(KEY, this::both);
    assertThat(stepEvents)
        .extracting(StepEvent::operation, StepEvent::step, StepEvent::decision)
        .containsExactly(
            tuple("charge", "charge", Decision.RAN),
            tuple("charge", "charge", Decision.REPLAYED),
            tuple("charge", "ship", Decision.RAN));
    assertThat(node.decisions())
        .containsExactly(Decision.ABANDONED, Decision.TAKEN_OVER, Decision.RAN);
  }

  @Test
  void stepsOnSeveralThreadsAreRecordedEach() {
    Operation<String> pay = retrying().build();
    crashAndReRun(
        pay,
        attempt -> {
          List<Started<String>> lines =
              IntStream.range(0, 8)
                  .mapToObj(
                      line ->
                          threads.start(
                              () ->
                                  attempt.step(
                                      "line-" + line,
                                      String.class,
                                      key -> {
                                        charged.add(key);
                                        return key;
                                      })))
                  .toList();
          assertThat(lines.stream().map(Started::answer))
              .containsExactlyElementsOf(
                  IntStream.range(0, 8).mapToObj(i -> attempt.outgoingKey("line-" + i)).toList());
        });
    assertThat(charged).hasSize(8).doesNotHaveDuplicates();
  }

  // ---- how long it is kept

  @Test
  void stepsAreKeptAsLongAsTheOperationMayBeResumed() {
    Operation<String> pay = retrying().build();
    crashBehindCharge(pay);
    node.passes(RETENTION.minusSeconds(1));
    assertRan(pay.execute(KEY, this::charge), "receipt-1");
    assertThat(charged).hasSize(1);
  }

  @Test
  void aReRunThatFoundItsJournalInTimeMayTakeItsTime() {
    Operation<String> pay = retrying().build();
    AtomicReference<String> first = new AtomicReference<>();
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                pay.execute(
                    KEY,
                    attempt -> {
                      first.set(charge(attempt));
                      node.passes(Duration.ofMinutes(1));
                      ship(attempt);
                      throw new IllegalStateException("crash");
                    }));
    node.passes(RETENTION.minusMinutes(1).minusSeconds(1));
    assertRan(
        pay.execute(
            KEY,
            attempt -> {
              ship(attempt);
              node.passes(RETENTION.minusSeconds(1)); // longer than the first step would be kept
              return charge(attempt);
            }),
        first.get());
    assertThat(charged).hasSize(1);
    assertThat(shipped).hasSize(1);
  }

  @Test
  void aReRunThatComesTooLateRunsNoStep() {
    Operation<String> pay = retrying().build();
    crashBehindCharge(pay);
    node.passes(RETENTION.plusSeconds(1));
    for (int i = 0; i < 2; i++) {
      assertThat(pay.execute(KEY, this::both)).isInstanceOf(Execution.Unresolved.class);
      node.passes(RETENTION.multipliedBy(10));
    }
    assertThat(charged).hasSize(1);
    assertThat(shipped).isEmpty();
  }

  @Test
  void aKeyThatWasNotReachedByItsFirstStepIsNeverTooLate() {
    Operation<String> pay = retrying().build();
    node.abandon(pay, KEY);
    node.passes(RETENTION.multipliedBy(3));
    assertRan(pay.execute(KEY, this::both), "receipt-1");
  }

  @Test
  void aForgottenKeyHasForgottenItsSteps() {
    Operation<String> pay = retrying().build();
    assertRan(pay.execute(KEY, this::both), "receipt-1");
    node.passes(RETENTION.plusSeconds(1)); // the steps' own records are kept for longer
    assertThat(node.memory.size()).isEqualTo(3);
    assertRan(pay.execute(KEY, this::both), "receipt-2");
    assertThat(shipped).hasSize(2);
  }

  @Test
  void aKeyWhoseRecordWasDeletedResumesForTheSameRequestOnly() {
    HardOfHearing store = new HardOfHearing();
    try (Idempotency idempotency = Idempotency.builder().store(store).build()) {
      Operation<String> pay =
          idempotency.operation("charge", String.class).onAbandoned(new Retry<>()).build();
      crashBehindCharge(pay);
      store.deleteFirst();
      assertThat(pay.execute(KEY.comparing("99 EUR"), this::both))
          .isEqualTo(new Execution.KeyReused<>());
      assertThat(charged).hasSize(1);
      assertThat(shipped).isEmpty();
      store.deleteFirst();
      assertRan(pay.execute(KEY, this::both), "receipt-1");
      assertThat(charged).hasSize(1);
    }
  }

  @Test
  void aJournalThatAnEarlierLifeHasLeftBehindIsReplaced() {
    Operation<String> pay = retrying().build();
    node.store.on(Verb.RELEASE, ScriptedStore.DOWN); // as if the process had died before
    assertRan(pay.execute(KEY, this::both), "receipt-1");
    node.close();
    node.passes(RETENTION.plusSeconds(1));
    try (Node later = node.neighbour()) {
      Operation<String> again =
          later.operation().retention(RETENTION).onAbandoned(new Retry<>()).build();
      assertRan(again.execute(KEY, this::both), "receipt-2");
      assertThat(again.execute(KEY, this::both)).isEqualTo(new Execution.Replayed<>("receipt-2"));
    }
  }

  @Test
  void aJournalThatCouldNotBeClosedIsClosedLater() {
    Operation<String> pay = retrying().build();
    node.store.on(Verb.RELEASE, ScriptedStore.DOWN);
    assertRan(pay.execute(KEY, this::both), "receipt-1");
    assertThat(node.memory.size()).isEqualTo(4);
    node.store.heal(Verb.RELEASE);
    Concurrency.awaitUntil("the journal is closed", () -> node.memory.size() == 3);
  }

  @Test
  void theJournalOutlivesACompletionThatIsOwed() {
    Operation<String> pay = retrying().waitAtMost(Duration.ZERO).build();
    Execution<String> answer =
        pay.execute(
            KEY,
            attempt -> {
              String receipt = both(attempt);
              node.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
              return receipt;
            });
    assertThat(answer).isEqualTo(new Execution.Ran<>("receipt-1", Recording.PENDING));
    assertThat(node.store.calls(Verb.RELEASE)).isZero();
    node.store.heal(Verb.COMPLETE);
    Concurrency.awaitUntil("the journal is closed", () -> node.memory.size() == 3);
    assertThat(pay.execute(KEY, this::both)).isEqualTo(new Execution.Replayed<>("receipt-1"));
  }

  @Test
  void whatARecoveryHookHasFoundOutLeavesNoJournal() {
    Operation<String> pay =
        node.operation()
            .onAbandoned(new Recover<>(attempt -> new Recovery.Happened<>("found")))
            .build();
    crashBehindCharge(pay);
    assertThat(pay.execute(KEY, this::both)).isEqualTo(new Execution.Replayed<>("found"));
    Concurrency.awaitUntil("the journal is closed", () -> node.memory.size() == 2);
    assertThat(charged).hasSize(1);
  }

  // ---- whose step it is

  /** A store that does not hear of the renewals of one record, as if its owner were half dead. */
  private final class HardOfHearing implements IdempotencyStore {

    final AtomicReference<@Nullable RecordId> first = new AtomicReference<>();

    /** Who claimed that record last. */
    final AtomicReference<@Nullable OwnerToken> owner = new AtomicReference<>();

    final AtomicInteger othersRenewed = new AtomicInteger();
    volatile boolean deaf = true;

    @Override
    public Claim claim(ClaimRequest request) {
      first.compareAndSet(null, request.id());
      if (request.id().equals(first.get())) {
        owner.set(request.token());
      }
      return node.memory.claim(request);
    }

    /** Deletes that record, as an operator may. */
    void deleteFirst() {
      assertThat(node.memory.release(new Lease(first.get(), owner.get(), 1)))
          .isEqualTo(LeaseCheck.HELD);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return node.memory.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return node.memory.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      if (deaf && lease.id().equals(first.get())) {
        throw new StoreUnavailableException("Not heard", null);
      }
      LeaseCheck check = node.memory.renew(lease, leaseFor);
      if (!lease.id().equals(first.get())) {
        othersRenewed.incrementAndGet();
      }
      return check;
    }
  }

  @Test
  void anOwnerThatHasLostItsKeyAndItsSuccessorNeverRunAStepAtTheSameTime() {
    Duration lease = Duration.ofMillis(100);
    HardOfHearing store = new HardOfHearing();
    CountDownLatch charging = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    try (Idempotency paused = Idempotency.builder().store(store).build()) {
      Operation<String> there =
          paused
              .operation("charge", String.class)
              .lease(lease)
              .retention(RETENTION)
              .onAbandoned(new Retry<>())
              .build();
      Operation<String> here =
          retrying()
              .lease(lease)
              .waitAtMost(Duration.ZERO)
              .recordFailure(
                  FailureMapping.ofMessage(
                      "any", IllegalStateException.class, IllegalStateException::new))
              .build();
      Started<Execution<String>> zombie =
          threads.start(
              () ->
                  there.execute(
                      KEY,
                      attempt -> {
                        String receipt =
                            attempt.step(
                                "charge",
                                String.class,
                                key -> {
                                  charged.add(key);
                                  charging.countDown();
                                  await(goOn);
                                  return "receipt of the first";
                                });
                        ship(attempt);
                        return receipt;
                      }));
      await(charging);
      node.passes(lease.multipliedBy(2));
      int renewed = store.othersRenewed.get();
      Concurrency.awaitUntil(
          "the step's lease holds again", () -> store.othersRenewed.get() > renewed + 1);

      for (int i = 0; i < 2; i++) {
        assertThat(
                here.execute(
                    KEY,
                    attempt -> {
                      try {
                        return both(attempt);
                      } catch (KeyBusyException e) {
                        throw new IllegalStateException("wrapped", e);
                      }
                    }))
            .isInstanceOf(Execution.Busy.class);
      }
      assertThat(charged).hasSize(1);

      store.deaf = false;
      goOn.countDown();
      assertThat(zombie.answer()).as("begins no other step").isInstanceOf(Execution.Busy.class);
      assertThat(shipped).isEmpty();
      assertRan(here.execute(KEY, this::both), "receipt of the first");
      assertThat(charged).hasSize(1);
      assertThat(shipped).hasSize(1);
    }
  }

  @Test
  void aStepThatEndsWhileItIsWaitedForIsReplayed() {
    Operation<String> pay = retrying().build();
    CountDownLatch charging = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Started<Execution<String>> zombie =
        threads.start(
            () ->
                pay.execute(
                    KEY,
                    attempt -> {
                      node.passes(Node.LEASE.minusSeconds(1));
                      return attempt.step(
                          "charge",
                          String.class,
                          key -> {
                            charged.add(key);
                            charging.countDown();
                            await(goOn);
                            return "receipt of the first";
                          });
                    }));
    await(charging);
    node.passes(Duration.ofSeconds(2)); // beyond the operation's lease, within the step's
    try (Node other = node.neighbour()) {
      Operation<String> there =
          other.operation().retention(RETENTION).onAbandoned(new Retry<>()).build();
      Started<Execution<String>> successor =
          threads.start(() -> there.execute(KEY, attempt -> both(attempt)));
      Concurrency.awaitUntil(
          "it looks at the step again", () -> other.store.calls(Verb.CLAIM) > 1 + 1 + 2);
      goOn.countDown();
      assertRan(successor.answer(), "receipt of the first");
    }
    assertThat(zombie.answer()).isInstanceOf(Execution.Unresolved.class);
    assertThat(charged).hasSize(1);
  }

  @Test
  void aRunThatKnowsThatItHasLostItsKeyBeginsNoStep() {
    Operation<String> pay = retrying().lease(Duration.ofMillis(100)).build();
    Execution<String> answer =
        pay.execute(
            KEY,
            attempt -> {
              charge(attempt);
              node.passes(Duration.ofSeconds(1));
              try (Node other = node.neighbour()) {
                Operation<String> there =
                    other.operation().retention(RETENTION).onAbandoned(new Retry<>()).build();
                assertRan(there.execute(KEY, successor -> charge(successor)), "receipt-1");
              }
              Concurrency.awaitUntil("it knows", () -> !attempt.isOwner());
              ship(attempt);
              return "too late";
            });
    assertThat(answer).isInstanceOf(Execution.Busy.class);
    assertThat(shipped).isEmpty();
  }

  @Test
  void aRunThatLosesItsKeyWhileItOpensTheJournalBeginsNoStep() {
    Operation<String> pay = retrying().lease(Duration.ofMillis(100)).build();
    AtomicReference<Attempt> paused = new AtomicReference<>();
    ScriptedStore.Fault late =
        new ScriptedStore.Fault() {
          @Override
          public <R> R apply(Supplier<R> real) {
            node.store.heal(Verb.CLAIM);
            node.passes(Duration.ofSeconds(1));
            try (Node other = node.neighbour()) {
              Operation<String> there =
                  other.operation().retention(RETENTION).onAbandoned(new Retry<>()).build();
              assertRan(there.execute(KEY, successor -> both(successor)), "receipt-1");
            }
            Concurrency.awaitUntil("it knows", () -> !paused.get().isOwner());
            return real.get();
          }
        };
    Execution<String> answer =
        pay.execute(
            KEY,
            attempt -> {
              paused.set(attempt);
              node.store.on(Verb.CLAIM, late);
              return both(attempt);
            });
    assertThat(answer).isInstanceOf(Execution.Busy.class);
    assertThat(charged).hasSize(1);
    assertThat(shipped).hasSize(1);
    Concurrency.awaitUntil("its journal is gone", () -> node.memory.size() == 3);
  }

  @Test
  void operationsAndKeysAndSourcesHaveStepsOfTheirOwn() {
    Operation<String> pay = retrying().build();
    Operation<String> payElsewhere =
        node.idempotency.operation("refund", String.class).onAbandoned(new Retry<>()).build();
    Operation<String> inSpace =
        node.idempotency
            .operation("charge", String.class)
            .keySpace("space")
            .onAbandoned(new Retry<>())
            .build();
    int all = 0;
    for (Operation<String> operation : List.of(pay, payElsewhere, inSpace)) {
      for (IdempotentRequest request :
          List.of(KEY, KEY.from("bob"), IdempotentRequest.of("order-43"))) {
        assertThatIllegalStateException()
            .isThrownBy(
                () ->
                    operation.execute(
                        request,
                        attempt -> {
                          charge(attempt);
                          throw new IllegalStateException("crash");
                        }));
        all++;
        assertThat(operation.execute(request, this::charge).orElseThrow())
            .isEqualTo("receipt-" + all);
      }
    }
    assertThat(charged).hasSize(all);
  }

  // ---- keys that are freed

  @Test
  void aKeyWithAFinishedStepIsNotFreed() {
    Operation<String> pay = retrying().releaseOn(IOException.class).build();
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(
            () ->
                pay.execute(
                    KEY,
                    attempt -> {
                      charge(attempt);
                      throw new IOException("sold out");
                    }));
    assertThat(pay.execute(KEY.comparing("99 EUR"), this::both))
        .isEqualTo(new Execution.KeyReused<>());
    assertRan(pay.execute(KEY, this::both), "receipt-1");
    assertThat(charged).hasSize(1);
  }

  @Test
  void aKeyWhoseOnlyStepHadNoEffectIsFree() {
    Operation<String> pay = retrying().releaseOn(IOException.class).build();
    Step<@Nullable Void> refused = Step.of("charge").releaseOn(IOException.class);
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(
            () ->
                pay.execute(
                    KEY,
                    attempt -> {
                      attempt.<@Nullable Void, IOException>step(
                          refused,
                          key -> {
                            throw new IOException("no connection");
                          });
                      return "never";
                    }));
    assertThat(node.memory.size()).isZero();
    assertRan(pay.execute(KEY.comparing("99 EUR"), this::both), "receipt-1");
  }

  // ---- failures

  @Test
  void aRecordedFailureOfAStepIsMetByEveryReRun() {
    Operation<String> pay = retrying().build();
    Step<@Nullable Void> charge =
        Step.of("charge")
            .recordFailure(
                FailureMapping.ofMessage("declined", IOException.class, IOException::new));
    for (int i = 0; i < 3; i++) {
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(
              () ->
                  pay.execute(
                      KEY,
                      attempt -> {
                        attempt.<@Nullable Void, IOException>step(
                            charge,
                            key -> {
                              charged.add(key);
                              throw new IOException("declined");
                            });
                        return "never";
                      }))
          .withMessage("declined");
    }
    assertThat(charged).hasSize(1);
  }

  @Test
  void anInterruptedStepMayBeRefused() {
    Operation<String> pay = retrying().build();
    Step<String> once = Step.of("charge", String.class).onAbandoned(new Refuse<>());
    Body<String, RuntimeException> body =
        attempt ->
            attempt.step(
                once,
                key -> {
                  charged.add(key);
                  throw new IllegalStateException("no answer");
                });
    assertThatIllegalStateException().isThrownBy(() -> pay.execute(KEY, body));
    assertThat(pay.execute(KEY, body)).isInstanceOf(Execution.Unresolved.class);
    assertThat(pay.execute(KEY, body)).isInstanceOf(Execution.Unresolved.class);
    assertThat(charged).hasSize(1);
  }

  @Test
  void anInterruptedStepMayBeAskedFor() {
    Operation<String> pay = retrying().build();
    List<String> asked = new ArrayList<>();
    Step<String> charge =
        Step.of("charge", String.class)
            .onAbandoned(
                new Recover<>(
                    attempt -> {
                      asked.add(attempt.outgoingKey("charge"));
                      assertThatIllegalStateException()
                          .isThrownBy(() -> attempt.step("inner", key -> {}));
                      return new Recovery.Happened<>("found");
                    }));
    Body<String, RuntimeException> body =
        attempt ->
            attempt.step(
                charge,
                key -> {
                  charged.add(key);
                  throw new IllegalStateException("no answer");
                });
    assertThatIllegalStateException().isThrownBy(() -> pay.execute(KEY, body));
    assertRan(pay.execute(KEY, body), "found");
    assertThat(charged).hasSize(1).isEqualTo(asked);
  }

  @Test
  void aResultThatIsTooLargeIsGivenToItsRunAndUnknownToAReRun() {
    Operation<String> pay = retrying().maxResultBytes(3).build();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Body<String, RuntimeException> body =
        attempt -> {
          try {
            assertThat(charge(attempt)).isEqualTo("receipt-1");
          } catch (OutcomeUnknownException e) {
            thrown.set(e);
            throw e;
          }
          throw new IllegalStateException("crash");
        };
    assertThatIllegalStateException().isThrownBy(() -> pay.execute(KEY, body)).withMessage("crash");
    assertThat(pay.execute(KEY, body)).isEqualTo(new Execution.Unresolved<>(2));
    assertThat(thrown.get().getSuppressed())
        .hasOnlyElementsOfType(ResultNotStoredException.class)
        .hasSize(1);
    assertThat(charged).hasSize(1);
  }

  @Test
  void aStepDoesNotRunWhileTheStoreCannotSayWhetherItHas() {
    Operation<String> pay =
        retrying()
            .onOtherFailure(Disposition.RELEASE)
            .recordFailure(
                FailureMapping.ofMessage(
                    "any",
                    StoreUnavailableException.class,
                    message -> new StoreUnavailableException(message, null)))
            .build();
    for (boolean journalOpen : new boolean[] {false, true}) {
      IdempotentRequest request = KEY.from("open " + journalOpen);
      assertThatExceptionOfType(StoreUnavailableException.class)
          .isThrownBy(
              () ->
                  pay.execute(
                      request,
                      attempt -> {
                        if (journalOpen) {
                          charge(attempt);
                        }
                        node.store.on(Verb.CLAIM, ScriptedStore.ANSWER_LOST);
                        ship(attempt);
                        return "never";
                      }));
      assertThat(shipped).isEmpty();
      node.store.heal(Verb.CLAIM);
      Concurrency.awaitUntil(
          "what was claimed is given back",
          () -> pay.execute(request, this::both) instanceof Execution.Ran);
      assertThat(shipped).hasSize(1);
      shipped.clear();
    }
    assertThat(charged).hasSize(2);
  }

  @Test
  void aStepThatCannotBeRecordedHasEarnedItsResultAndTheBodyGoesOn() {
    Operation<String> pay = retrying().waitAtMost(Duration.ZERO).build();
    node.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                pay.execute(
                    KEY,
                    attempt -> {
                      assertThat(charge(attempt)).isEqualTo("receipt-1");
                      node.store.heal(Verb.COMPLETE);
                      throw new IllegalStateException("crash");
                    }))
        .withMessage("crash");
    Concurrency.awaitUntil(
        "the step is recorded", () -> pay.execute(KEY, this::both) instanceof Execution.Ran);
    assertThat(charged).hasSize(1);
  }

  @Test
  void anOperationThatFailsOpenRunsItsStepsWithoutRecordsAndIsCounted() {
    Operation<String> pay = retrying().onStoreDown(StoreDownPolicy.FAIL_OPEN).build();
    node.store.on(Verb.CLAIM, ScriptedStore.DOWN);
    assertThat(pay.execute(KEY, this::both))
        .isEqualTo(new Execution.Ran<>("receipt-1", Recording.UNPROTECTED));
    assertThat(stepDecisions()).containsExactly(Decision.RAN_UNPROTECTED, Decision.RAN_UNPROTECTED);
    node.store.heal(Verb.CLAIM);
    assertRan(
        pay.execute(
            KEY,
            attempt -> {
              node.store.on(Verb.CLAIM, ScriptedStore.DOWN);
              ship(attempt);
              node.store.heal(Verb.CLAIM);
              return charge(attempt);
            }),
        "receipt-2");
    assertThat(stepDecisions())
        .endsWith(Decision.STORE_FAILURE, Decision.RAN_UNPROTECTED, Decision.RAN);
    assertThat(charged).hasSize(2).containsOnly(charged.get(0));
  }

  @Test
  void anOperationThatFailedOpenRecordsTheStepsItTellsOf() {
    Operation<String> pay = retrying().onStoreDown(StoreDownPolicy.FAIL_OPEN).build();
    assertRan(
        pay.execute(
            KEY,
            attempt -> {
              String receipt = charge(attempt);
              node.store.on(Verb.CLAIM, ScriptedStore.DOWN);
              ship(attempt);
              node.store.heal(Verb.CLAIM);
              return receipt;
            }),
        "receipt-1");
    assertThat(stepDecisions())
        .containsExactly(Decision.RAN, Decision.STORE_FAILURE, Decision.RAN_UNPROTECTED);
  }

  @Test
  void aKeyWithAStepThatRanWithoutARecordIsNotFreed() {
    Operation<String> pay =
        retrying()
            .onStoreDown(StoreDownPolicy.FAIL_OPEN)
            .releaseOn(UncheckedIOException.class)
            .build();
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(
            () ->
                pay.execute(
                    KEY,
                    attempt -> {
                      node.store.on(Verb.CLAIM, ScriptedStore.DOWN);
                      ship(attempt);
                      node.store.heal(Verb.CLAIM);
                      throw new UncheckedIOException(new IOException("sold out"));
                    }));
    assertThat(shipped).hasSize(1);
    assertThat(pay.execute(KEY.comparing("99 EUR"), this::both))
        .isEqualTo(new Execution.KeyReused<>());
  }

  // ---- misuse

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String because) {
    assertThatIllegalStateException()
        .isThrownBy(call)
        .withMessageContaining("did not run")
        .withMessageContaining(because);
  }

  @Test
  void twoStepsOfOneRunNeverShareAName() {
    retrying()
        .build()
        .execute(
            KEY,
            attempt -> {
              charge(attempt);
              assertRefused(() -> charge(attempt), "of this name");
              attempt.step(
                  "ship",
                  key ->
                      threads
                          .start(
                              () -> {
                                assertRefused(() -> ship(attempt), "of this name");
                                return true;
                              })
                          .answer());
              return "done";
            });
    assertThat(charged).hasSize(1);
  }

  @Test
  void aStepHasNoStepsInside() {
    retrying()
        .build()
        .execute(
            KEY,
            attempt -> {
              attempt.step("outer", key -> assertRefused(() -> ship(attempt), "inside a step"));
              ship(attempt);
              return "done";
            });
    assertThat(shipped).hasSize(1);
  }

  @Test
  void aRunThatHasEndedBeginsNoStep() {
    AtomicReference<Attempt> ended = new AtomicReference<>();
    retrying()
        .build()
        .execute(
            KEY,
            attempt -> {
              ended.set(attempt);
              return "done";
            });
    assertRefused(() -> ship(ended.get()), "ended its run");
  }

  @Test
  void anOperationThatIsNeverRunAgainHasNoSteps() {
    Operation<String> pay = node.operation().build();
    assertRefused(() -> pay.execute(KEY, this::both), "AbandonedPolicy.Retry");
    assertThat(charged).isEmpty();
  }

  @Test
  void aRecoveryHookRunsNoSteps() {
    Operation<String> pay =
        node.operation()
            .onAbandoned(
                new Recover<>(
                    attempt -> {
                      assertRefused(() -> charge(attempt), "being recovered");
                      return new Recovery.DidNotHappen<>();
                    }))
            .build();
    crashBehindCharge(pay);
    assertRan(pay.execute(KEY, this::both), "receipt-1");
    assertThat(charged).hasSize(1);
  }

  @Test
  void batchesAsynchronousRunsAndTransactionsHaveNoSteps() {
    Operation<String> pay = retrying().build();
    assertRefused(
        () -> pay.executeAll(List.of(KEY), BatchBody.each(item -> charge(item.attempt()))),
        "batch");
    assertThat(
            pay.executeAsync(
                KEY.from("async"), attempt -> CompletableFuture.completedFuture(charge(attempt))))
        .failsWithin(Concurrency.BOUND)
        .withThrowableThat()
        .withMessageContaining("asynchronously");
    try (Idempotency transactional =
        Idempotency.builder().transactionalStore(new FakeTransactionalStore()).build()) {
      Operation<String> inTransaction = transactional.operation("charge", String.class).build();
      assertRefused(() -> inTransaction.execute(KEY, this::both), "Mode.LEASED");
    }
    assertThat(charged).isEmpty();
  }

  @Test
  void namesAndNumbersOfStepsAreBounded() {
    assertThatIllegalArgumentException().isThrownBy(() -> Step.of(""));
    assertThatIllegalArgumentException().isThrownBy(() -> Step.of("x".repeat(201)));
    assertThatIllegalArgumentException().isThrownBy(() -> Step.of("\ud800"));
    assertThat(Step.of("x".repeat(200)).name()).hasSize(200);
    try (Idempotency idempotency = Idempotency.inMemory()) {
      idempotency
          .operation("charge", String.class)
          .onAbandoned(new Retry<>())
          .build()
          .execute(
              KEY,
              attempt -> {
                for (int i = 0; i < 1000; i++) {
                  attempt.step("line-" + i, key -> {});
                }
                assertRefused(() -> attempt.step("one more", key -> {}), "1000 steps");
                return "done";
              });
    }
  }
}
