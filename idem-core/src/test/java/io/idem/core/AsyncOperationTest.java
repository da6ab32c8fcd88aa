package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.AbandonedPolicy.Recover;
import io.idem.core.AbandonedPolicy.Recovery;
import io.idem.core.AbandonedPolicy.Retry;
import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is said of asynchronous requests alone. {@link AsyncModeTest} has what holds of all. */
class AsyncOperationTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");
  private static final Execution<String> STORED = new Execution.Ran<>("done", Recording.STORED);
  private static final Execution<String> REPLAYED = new Execution.Replayed<>("done");

  private final Concurrency threads = new Concurrency();
  private final CompletableFuture<String> work = new CompletableFuture<>();
  private final AtomicInteger runs = new AtomicInteger();
  private final CountDownLatch goOn = new CountDownLatch(1);
  private Node node = Node.start(Runner.ASYNC);

  @AfterEach
  void stop() {
    work.complete("at the end of the test");
    goOn.countDown();
    threads.close();
    node.close();
  }

  private CompletableFuture<Execution<String>> start(Operation<String> operation) {
    return start(operation, work);
  }

  private CompletableFuture<Execution<String>> start(
      Operation<String> operation, CompletionStage<String> body) {
    return operation
        .executeAsync(
            KEY,
            attempt -> {
              runs.incrementAndGet();
              return body;
            })
        .toCompletableFuture();
  }

  /** Starts a run that goes on until {@link #work} ends. */
  private CompletableFuture<Execution<String>> startRun(Operation<String> operation) {
    CompletableFuture<Execution<String>> run = start(operation);
    Concurrency.awaitUntil("the body runs", () -> runs.get() > 0);
    return run;
  }

  private static <T> T answer(CompletableFuture<T> stage) {
    try {
      return stage.get(Concurrency.BOUND.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("There is no answer", e);
    }
  }

  /** What a stage ends with, as who depends on the stage itself is told. */
  private static Throwable failure(CompletableFuture<?> stage) {
    return answer(
        stage.handle(
            (unwanted, failure) -> {
              assertThat(failure).as("instead of " + unwanted).isNotNull();
              return failure;
            }));
  }

  private Execution<String> repeat(Operation<String> operation) {
    return operation.execute(KEY, attempt -> "again-" + runs.incrementAndGet());
  }

  @Test
  void aBodySeesNothingOfTheCallerThatItsThreadWasMadeFor() throws Exception {
    InheritableThreadLocal<String> caller = new InheritableThreadLocal<>();
    ClassLoader application = new ClassLoader("application", null) {};
    Thread test = Thread.currentThread();
    ClassLoader before = test.getContextClassLoader();
    Node offloaded;
    test.setContextClassLoader(application);
    try {
      offloaded = Node.start(Runner.OFFLOADED);
    } finally {
      test.setContextClassLoader(before);
    }
    try {
      offloaded.store.on(Verb.CLAIM, ScriptedStore.after(() -> await(goOn)));
      CompletableFuture<ClassLoader> loader = new CompletableFuture<>();
      caller.set("alice");
      CompletableFuture<Execution<String>> answer =
          offloaded
              .operation()
              .build()
              .executeAsync(
                  KEY,
                  attempt -> {
                    loader.complete(Thread.currentThread().getContextClassLoader());
                    return CompletableFuture.completedFuture("run for " + caller.get());
                  })
              .toCompletableFuture();
      goOn.countDown();
      assertThat(answer.get(20, TimeUnit.SECONDS))
          .isEqualTo(new Execution.Ran<>("run for null", Recording.STORED));
      assertThat(loader.join()).as("whoever came first").isSameAs(application);
    } finally {
      caller.remove();
      offloaded.close();
    }
  }

  @Test
  void tenThousandWaitersOfOneKeyHoldNoThread() {
    int many = 10_000;
    try (Node other = node.neighbour()) {
      Operation<String> here = node.operation().waitAtMost(Concurrency.BOUND).build();
      Operation<String> there = other.operation().waitAtMost(Concurrency.BOUND).build();
      CompletableFuture<Execution<String>> first = startRun(here);
      int before = Thread.activeCount();
      List<CompletableFuture<Execution<String>>> waiting = new ArrayList<>();
      for (int i = 0; i < many; i++) {
        waiting.add(start(here));
        waiting.add(start(there));
      }
      Concurrency.awaitUntil("they look twice", () -> other.store.calls(Verb.CLAIM) > 2);
      assertThat(Thread.activeCount() - before)
          .as("threads more")
          .isLessThan(3 * Runtime.getRuntime().availableProcessors() + 12);
      assertThat(waiting).noneMatch(CompletableFuture::isDone);
      work.complete("done");
      assertThat(answer(first)).isEqualTo(STORED);
      assertThat(waiting)
          .hasSize(2 * many)
          .allSatisfy(each -> assertThat(answer(each)).isEqualTo(REPLAYED));
      assertThat(runs).hasValue(1);
      assertThat(node.store.calls(Verb.CLAIM)).as("one asks for all of a node").isEqualTo(1);
      assertThat(other.store.calls(Verb.CLAIM)).isLessThan(150);
    }
  }

  @Test
  void aStoreThatAnswersWithStagesIsNotWaitedFor() {
    StagesOnly store = new StagesOnly();
    try (Idempotency idempotency = Idempotency.builder().store(store).build()) {
      Operation<String> charge =
          idempotency
              .operation("charge", String.class)
              .onResult(r -> r.equals("nothing") ? Disposition.RELEASE : Disposition.RECORD)
              .build();
      assertThat(answer(start(charge, CompletableFuture.completedFuture("nothing"))))
          .isEqualTo(new Execution.Ran<>("nothing", Recording.FREED));
      CompletableFuture<Execution<String>> run = start(charge);
      CompletableFuture<Execution<String>> follower = start(charge);
      assertThat(run).isNotDone();
      work.complete("done");
      assertThat(run).as("by the thread that ends the work").isCompletedWithValue(STORED);
      assertThat(answer(follower)).isEqualTo(REPLAYED);
      assertThat(start(charge)).isCompletedWithValue(REPLAYED);
      CompletableFuture<Execution<String>> unknown =
          charge
              .executeAsync(
                  IdempotentRequest.of("another"),
                  attempt -> CompletableFuture.failedFuture(new IOException("timeout")))
              .toCompletableFuture();
      assertThat(failure(unknown)).isInstanceOf(IOException.class);
      assertThat(store.verbs).isEqualTo(Set.of("claim", "complete", "release", "renew"));
    }
  }

  /** Its verbs may be called only by those of the engine's threads that may block. */
  private static final class StagesOnly implements IdempotencyStore, AsyncStore {

    private final InMemoryStore memory = new InMemoryStore();
    private final Set<String> verbs = ConcurrentHashMap.newKeySet();

    private <R> R blocking(Supplier<R> verb) {
      if (!Thread.currentThread().getName().startsWith("idem-renewal")) {
        throw new AssertionError("Blocked: " + Thread.currentThread());
      }
      return verb.get();
    }

    @Override
    public Claim claim(ClaimRequest request) {
      return blocking(() -> memory.claim(request));
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return blocking(() -> memory.complete(lease, outcome, retention));
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return blocking(() -> memory.release(lease));
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return blocking(() -> memory.renew(lease, leaseFor));
    }

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      verbs.add("claim");
      return memory.claimAsync(request);
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      verbs.add("complete");
      return memory.completeAsync(lease, outcome, retention);
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      verbs.add("release");
      return memory.releaseAsync(lease);
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      verbs.add("renew");
      return memory.renewAsync(lease, leaseFor);
    }
  }

  @Test
  void aStoreThatBlocksIsAskedOnThreadsForThat() {
    node.close();
    node = Node.start(Runner.OFFLOADED, builder -> builder.blockingThreads(2));
    Set<String> names = ConcurrentHashMap.newKeySet();
    ScriptedStore.Fault named =
        ScriptedStore.after(() -> names.add(Thread.currentThread().getName()));
    for (Verb verb : List.of(Verb.CLAIM, Verb.COMPLETE, Verb.RELEASE, Verb.RENEW)) {
      node.store.on(verb, named);
    }
    Operation<String> charge =
        node.operation()
            .onResult(
                r ->
                    switch (r) {
                      case "nothing" -> Disposition.RELEASE;
                      case "timeout" -> Disposition.UNKNOWN;
                      default -> Disposition.RECORD;
                    })
            .build();
    for (String result : List.of("nothing", "timeout", "done")) {
      for (int i = 0; i < 20; i++) {
        answer(
            charge
                .executeAsync(
                    IdempotentRequest.of(result + i),
                    attempt -> CompletableFuture.completedFuture(result))
                .toCompletableFuture());
      }
    }
    assertThat(names)
        .isSubsetOf("idem-blocking-1", "idem-blocking-2", "idem-ending-1", "idem-ending-2")
        .isNotEmpty();
    for (Verb verb : List.of(Verb.COMPLETE, Verb.RELEASE, Verb.RENEW)) {
      assertThat(node.store.calls(verb)).as("%s", verb).isEqualTo(20);
    }
  }

  @Test
  void whoFindsNoThreadToAskAStoreThatBlocksIsToldBusy() {
    node.close();
    node = Node.start(Runner.OFFLOADED, builder -> builder.blockingThreads(1).maxWaiters(1));
    CountDownLatch asked = new CountDownLatch(1);
    node.store.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              asked.countDown();
              Concurrency.await(goOn);
            }));
    Operation<String> charge = node.operation().build();
    List<CompletableFuture<Execution<String>>> all = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      all.add(
          charge
              .executeAsync(
                  IdempotentRequest.of("key-" + i),
                  attempt -> CompletableFuture.completedFuture("done"))
              .toCompletableFuture());
    }
    Concurrency.await(asked);
    assertThat(all.get(2)).isCompletedWithValueMatching(Execution.Busy.class::isInstance);
    assertThat(all.get(1)).as("waits for the thread").isNotDone();
    goOn.countDown();
    assertThat(answer(all.get(0))).isEqualTo(STORED);
    assertThat(answer(all.get(1))).isEqualTo(STORED);
    assertThat(node.store.calls(Verb.CLAIM)).isEqualTo(2);
    assertThat(node.store.calls(Verb.RELEASE)).as("nothing was claimed").isZero();
    assertThat(node.decisions())
        .containsExactlyInAnyOrder(Decision.BUSY, Decision.RAN, Decision.RAN);
  }

  @Test
  void whoFindsNoThreadToRecoverIsToldBusyAndTheKeyStaysAbandoned() {
    node.close();
    node = Node.start(Runner.ASYNC, builder -> builder.blockingThreads(1).maxWaiters(0));
    node.abandon(node.operation().build(), KEY);
    CountDownLatch asked = new CountDownLatch(1);
    Operation<String> charge =
        node.operation()
            .onAbandoned(
                new Recover<>(
                    attempt -> {
                      asked.countDown();
                      Concurrency.await(goOn);
                      return new Recovery.DidNotHappen<>();
                    }))
            .build();
    IdempotentRequest another = IdempotentRequest.of("another");
    node.abandon(node.operation().build(), another);
    CompletableFuture<Execution<String>> first = start(charge);
    Concurrency.await(asked);
    assertThat(
            answer(
                charge
                    .executeAsync(another, attempt -> CompletableFuture.completedFuture("never"))
                    .toCompletableFuture()))
        .isInstanceOf(Execution.Busy.class);
    assertThat(node.operation().build().execute(another, attempt -> "never"))
        .isEqualTo(new Execution.Unresolved<>(2));
    goOn.countDown();
    work.complete("done");
    assertThat(answer(first)).isEqualTo(STORED);
  }

  @Test
  void toCancelTheAnswerStopsNothing() {
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    CompletableFuture<Execution<String>> run = startRun(charge);
    CompletableFuture<Execution<String>> follower = start(charge);
    CompletableFuture<Execution<String>> another = start(charge);
    assertThat(run.cancel(true)).isTrue();
    assertThat(follower.complete(new Execution.KeyReused<>())).isTrue();
    assertThat(work).isNotCancelled();
    work.complete("done");
    assertThat(answer(another)).isEqualTo(REPLAYED);
    assertThat(repeat(charge)).isEqualTo(REPLAYED);
    assertThat(runs).hasValue(1);
  }

  @Test
  void closingWaitsForRunsWhoseAnswerNobodyWantsAnyMore() {
    node.close();
    node = Node.start(Runner.ASYNC, builder -> builder.shutdownWithin(Duration.ofMinutes(2)));
    Operation<String> charge = node.operation().build();
    startRun(charge).cancel(true);
    Started<Boolean> close =
        threads.start(
            () -> {
              node.close();
              return true;
            });
    close.awaitParked();
    assertThat(close.isDone()).isFalse();
    work.complete("done");
    assertThat(close.answer()).isTrue();
    try (Node other = node.neighbour()) {
      assertThat(repeat(other.operation().build())).isEqualTo(REPLAYED);
    }
  }

  @Test
  void whatABodyThrowsInsteadOfStartingCountsAsItsFailure() {
    Operation<String> charge = node.operation().releaseOn(IOException.class).build();
    IOException nothingDone = new IOException("nothing done");
    assertThat(failure(throwing(charge, KEY, nothingDone))).isSameAs(nothingDone);
    assertThat(node.memory.size()).as("the key is free").isZero();
    AssertionError bug = new AssertionError("bug");
    assertThat(failure(throwing(charge, KEY, bug))).isSameAs(bug);
    assertThat(repeat(charge)).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(
            failure(
                charge
                    .executeAsync(IdempotentRequest.of("no stage"), attempt -> null)
                    .toCompletableFuture()))
        .isInstanceOf(NullPointerException.class);
    assertThat(charge.execute("no stage", () -> "never")).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(node.decisions())
        .containsExactly(
            Decision.FAILED,
            Decision.ABANDONED,
            Decision.UNRESOLVED,
            Decision.ABANDONED,
            Decision.UNRESOLVED);
  }

  private static CompletableFuture<Execution<String>> throwing(
      Operation<String> operation, IdempotentRequest key, Throwable failure) {
    return operation
        .executeAsync(
            key,
            attempt -> {
              if (failure instanceof Error error) {
                throw error;
              }
              throw (Exception) failure;
            })
        .toCompletableFuture();
  }

  @Test
  void aFailureIsKnownByItsTypeHoweverItIsWrapped() {
    Operation<String> charge =
        node.operation()
            .recordFailure(
                FailureMapping.ofMessage(
                    "declined", IllegalStateException.class, IllegalStateException::new))
            .build();
    CompletableFuture<String> declined =
        CompletableFuture.<String>supplyAsync(
                () -> {
                  throw new IllegalStateException("no funds");
                })
            .thenApply(never -> never);
    assertThat(failure(start(charge, declined)))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("no funds");
    assertThat(failure(start(charge)))
        .as("of a repeat")
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("no funds");
    assertThat(runs).hasValue(1);
  }

  @Test
  void aRunThatNeverEndsLosesItsKeyWithItsEngine() {
    Duration lease = Duration.ofMillis(150);
    Node lost = node.neighbour(builder -> builder.shutdownWithin(Duration.ofMillis(20)));
    Operation<String> brief = lost.operation().lease(lease).build();
    CompletableFuture<Execution<String>> run = startRun(brief);
    Operation<String> retrying =
        node.operation().waitAtMost(Duration.ZERO).onAbandoned(new Retry<>()).build();
    for (int i = 0; i < 5; i++) {
      int before = lost.store.calls(Verb.RENEW);
      Concurrency.awaitUntil("it is renewed", () -> lost.store.calls(Verb.RENEW) > before);
      node.passes(lease.multipliedBy(9).dividedBy(10));
      assertThat(repeat(retrying)).as("kept alive").isInstanceOf(Execution.Busy.class);
    }
    lost.close();
    node.passes(lease.plusMillis(1));
    assertThat(repeat(retrying)).isEqualTo(new Execution.Ran<>("again-2", Recording.STORED));
    work.complete("too late");
    assertThat(answer(run)).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(repeat(retrying)).isEqualTo(new Execution.Replayed<>("again-2"));
  }

  @Test
  void aRunThatOutlivesItsEngineIsStillRecorded() {
    for (Runner runner : List.of(Runner.ASYNC, Runner.OFFLOADED)) {
      CompletableFuture<String> late = new CompletableFuture<>();
      Node impatient = Node.start(runner, builder -> builder.shutdownWithin(Duration.ofMillis(20)));
      Operation<String> charge = impatient.operation().build();
      int before = runs.get();
      CompletableFuture<Execution<String>> run = start(charge, late);
      Concurrency.awaitUntil("the body runs", () -> runs.get() > before);
      impatient.close();
      late.complete("done");
      assertThat(answer(run)).as("%s", runner).isEqualTo(STORED);
    }
  }

  @Test
  void whoWaitsWhenTheEngineClosesIsAnsweredWithinItsBound() {
    try (Node other = node.neighbour()) {
      CompletableFuture<Execution<String>> run = startRun(other.operation().build());
      Node impatient = node.neighbour(builder -> builder.shutdownWithin(Duration.ofMillis(20)));
      Operation<String> charge = impatient.operation().waitAtMost(Duration.ofSeconds(1)).build();
      CompletableFuture<Execution<String>> waiter = start(charge);
      CompletableFuture<Execution<String>> follower = start(charge);
      Concurrency.awaitUntil("it looks", () -> impatient.store.calls(Verb.CLAIM) > 1);
      impatient.close();
      assertThat(answer(waiter)).isInstanceOf(Execution.Busy.class);
      assertThat(answer(follower)).isInstanceOf(Execution.Busy.class);
      assertThat(failure(start(charge)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
      work.complete("done");
      assertThat(answer(run)).isEqualTo(STORED);
    }
  }

  @Test
  void requestsThatWaitOnAThreadAndThoseThatDoNotMeet() {
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    CompletableFuture<Execution<String>> run = startRun(charge);
    Started<Execution<String>> parked = threads.start(() -> repeat(charge));
    parked.awaitParked();
    work.complete("done");
    assertThat(answer(run)).isEqualTo(STORED);
    assertThat(parked.answer()).isEqualTo(REPLAYED);

    IdempotentRequest second = IdempotentRequest.of("second");
    CountDownLatch running = new CountDownLatch(1);
    Started<Execution<String>> leader =
        threads.start(
            () ->
                charge.execute(
                    second,
                    attempt -> {
                      running.countDown();
                      Concurrency.await(goOn);
                      return "done";
                    }));
    Concurrency.await(running);
    CompletableFuture<Execution<String>> follower =
        charge
            .executeAsync(second, attempt -> CompletableFuture.completedFuture("never"))
            .toCompletableFuture();
    assertThat(follower).isNotDone();
    goOn.countDown();
    assertThat(leader.answer()).isEqualTo(STORED);
    assertThat(answer(follower)).isEqualTo(REPLAYED);
    assertThat(node.store.calls(Verb.CLAIM)).isEqualTo(2);
  }

  @Test
  void aBodyThatWaitsForItsOwnKeyIsBusyAfterItsBound() {
    Operation<String> charge = node.operation().waitAtMost(Duration.ofMillis(50)).build();
    CompletableFuture<Execution<String>> answer =
        charge
            .executeAsync(
                KEY,
                attempt ->
                    charge
                        .executeAsync(KEY, again -> CompletableFuture.completedFuture("never"))
                        .thenApply(Object::toString))
            .toCompletableFuture();
    assertThat(answer(answer).orElseThrow()).startsWith("Busy");
  }

  @Test
  void aKeyIsGivenUpAfterTheRenewalThatIsUnderWayAndNobodyWaitsForIt() {
    CountDownLatch renewing = new CountDownLatch(1);
    Operation<String> charge = node.operation().lease(Duration.ofMillis(100)).build();
    CompletableFuture<Execution<String>> run = startRun(charge);
    node.store.on(
        Verb.RENEW,
        ScriptedStore.after(
            () -> {
              renewing.countDown();
              Concurrency.await(goOn);
            }));
    Concurrency.await(renewing);
    int renewals = node.store.calls(Verb.RENEW);
    work.completeExceptionally(new IOException("timeout"));
    assertThat(node.store.calls(Verb.RENEW)).as("it is under way yet").isEqualTo(renewals);
    assertThat(run).isNotDone();
    CompletableFuture<String> thread =
        run.handle((answer, failure) -> Thread.currentThread().getName());
    goOn.countDown();
    assertThat(failure(run)).hasMessage("timeout");
    assertThat(answer(thread)).as("renewals are not held up").doesNotStartWith("idem-renewal");
    try (Node other = node.neighbour()) {
      assertThat(repeat(other.operation().waitAtMost(Duration.ZERO).build()))
          .as("the renewal has not revived it")
          .isEqualTo(new Execution.Unresolved<>(1));
    }
  }

  @Test
  void whateverAStagesStoreDoesTheKeyIsHeldToBeUnknown() {
    for (Supplier<CompletionStage<Claim>> broken :
        List.<Supplier<CompletionStage<Claim>>>of(
            () -> null,
            () -> CompletableFuture.completedFuture(null),
            () -> CompletableFuture.failedFuture(new IOException("checked")),
            () -> {
              throw new UnsupportedOperationException();
            })) {
      CountDownLatch released = new CountDownLatch(1);
      try (Idempotency idempotency =
          Idempotency.builder().store(new BrokenStages(broken, released)).build()) {
        CompletableFuture<Execution<String>> answer =
            start(idempotency.operation("charge", String.class).build());
        assertThat(failure(answer)).isInstanceOf(StoreUnavailableException.class);
        Concurrency.await(released);
      }
    }
    assertThat(runs).hasValue(0);
  }

  /** A store whose stages are not what they should be. */
  private record BrokenStages(Supplier<CompletionStage<Claim>> claims, CountDownLatch released)
      implements IdempotencyStore, AsyncStore {

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      return claims.get();
    }

    @Override
    public LeaseCheck release(Lease lease) {
      released.countDown();
      return LeaseCheck.LOST;
    }

    @Override
    public Claim claim(ClaimRequest request) {
      throw new UnsupportedOperationException();
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      throw new UnsupportedOperationException();
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void aTransactionIsOfOneThread() {
    try (Idempotency idempotency =
        Idempotency.builder().transactionalStore(new FakeTransactionalStore()).build()) {
      Operation<String> charge = idempotency.operation("charge", String.class).build();
      assertThatIllegalStateException()
          .isThrownBy(() -> start(charge))
          .withMessageContaining("Mode.LEASED");
    }
  }

  @Test
  void aDecoratorThatKnowsNothingOfStagesIsNotPassedBy() {
    InMemoryStore primary = new InMemoryStore();
    FailoverStore failover =
        new FailoverStore(primary, new InMemoryStore(), FallbackPolicy.REQUIRED);
    assertThat(failover.capability(AsyncStore.class)).isEqualTo(Optional.empty());
    try (Idempotency idempotency = Idempotency.builder().store(failover).build()) {
      Operation<String> charge = idempotency.operation("charge", String.class).build();
      work.complete("done");
      assertThat(answer(start(charge))).isEqualTo(STORED);
      assertThat(answer(start(charge))).isEqualTo(REPLAYED);
    }
    assertThat(primary.size()).isEqualTo(1);
  }
}
