package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The few threads on which stores are asked and answer belong to the stores. */
class StoreThreadsTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42");
  private static final Execution<String> STORED = new Execution.Ran<>("done", Recording.STORED);

  private static <T> T answer(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().get(Concurrency.BOUND.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("There is no answer", e);
    }
  }

  /** A client with one thread that brings all answers, as an event loop does. */
  private static final class EventLoop implements IdempotencyStore, AsyncStore, AutoCloseable {

    private static final long PATIENCE_SECONDS = 2;

    private final InMemoryStore memory = new InMemoryStore();
    private final ExecutorService loop =
        Executors.newSingleThreadExecutor(task -> new Thread(task, "event-loop"));

    private <R> R await(CompletionStage<R> answer) {
      try {
        return answer.toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException | ExecutionException | TimeoutException e) {
        throw new StoreUnavailableException("No answer on " + Thread.currentThread().getName(), e);
      }
    }

    private <R> CompletionStage<R> onLoop(Supplier<R> verb) {
      return CompletableFuture.supplyAsync(verb, loop);
    }

    @Override
    public Claim claim(ClaimRequest request) {
      return await(claimAsync(request));
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return await(completeAsync(lease, outcome, retention));
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return await(releaseAsync(lease));
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return await(renewAsync(lease, leaseFor));
    }

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      return onLoop(() -> memory.claim(request));
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      return onLoop(() -> memory.complete(lease, outcome, retention));
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      return onLoop(() -> memory.release(lease));
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      return onLoop(() -> memory.renew(lease, leaseFor));
    }

    @Override
    public void close() {
      loop.shutdownNow();
    }
  }

  /** As a body and a caller do that know nothing of what brings the store's answers. */
  @Test
  void whoIsGivenAnAnswerMayAskTheStoreAgainAndWait() {
    try (EventLoop store = new EventLoop();
        Idempotency engine = Idempotency.builder().store(store).build()) {
      Operation<String> charge = engine.operation("charge", String.class).build();
      Operation<String> inner = engine.operation("inner", String.class).build();
      Operation<String> after = engine.operation("after", String.class).build();
      Set<String> threads = ConcurrentHashMap.newKeySet();
      // Again and again: a caller that is late finds the answer there and goes on by itself.
      for (int i = 0; i < 50; i++) {
        IdempotentRequest request = IdempotentRequest.of("order-" + i);
        CompletionStage<Execution<String>> answered =
            charge
                .executeAsync(
                    request,
                    attempt -> {
                      threads.add(Thread.currentThread().getName());
                      return CompletableFuture.completedFuture(
                          inner.execute(request, within -> "done").orElseThrow());
                    })
                .thenApply(
                    done -> {
                      threads.add(Thread.currentThread().getName());
                      return after.execute(request, within -> done.orElseThrow());
                    });
        assertThat(answer(answered)).isEqualTo(STORED);
      }
      assertThat(threads).doesNotContain("event-loop");
    }
  }

  @Test
  void aBodyHoldsNoThreadThatAsksAStoreThatBlocks() {
    try (Node node = Node.start(Runner.OFFLOADED, builder -> builder.blockingThreads(1))) {
      node.abandon(node.operation().build(), KEY);
      Operation<String> charge =
          node.operation()
              .onAbandoned(
                  new AbandonedPolicy.Recover<>(
                      attempt -> new AbandonedPolicy.Recovery.DidNotHappen<>()))
              .build();
      for (IdempotentRequest request : List.of(KEY, IdempotentRequest.of("another"))) {
        CompletableFuture<String> thread = new CompletableFuture<>();
        assertThat(
                answer(
                    charge.executeAsync(
                        request,
                        attempt -> {
                          thread.complete(Thread.currentThread().getName());
                          return CompletableFuture.completedFuture("done");
                        })))
            .isEqualTo(STORED);
        assertThat(answer(thread)).doesNotStartWith("idem-blocking");
      }
    }
  }

  /** With every thread for claims and hooks taken, and more of them waiting. */
  @Test
  void whatEndsARunWaitsForNoClaimAndNoHook() {
    int threads = 2;
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch hooks = new CountDownLatch(threads);
    try (Node node = Node.start(Runner.OFFLOADED, builder -> builder.blockingThreads(threads))) {
      Operation<String> charge =
          node.operation()
              .onResult(
                  r ->
                      switch (r) {
                        case "nothing" -> Disposition.RELEASE;
                        case "timeout" -> Disposition.UNKNOWN;
                        default -> Disposition.RECORD;
                      })
              .onAbandoned(
                  new AbandonedPolicy.Recover<>(
                      attempt -> {
                        hooks.countDown();
                        Concurrency.await(goOn);
                        return new AbandonedPolicy.Recovery.DidNotHappen<>();
                      }))
              .build();
      List<String> results = List.of("done", "nothing", "timeout");
      List<CompletableFuture<String>> works =
          results.stream().map(result -> new CompletableFuture<String>()).toList();
      CountDownLatch running = new CountDownLatch(results.size());
      List<CompletionStage<Execution<String>>> runs =
          Stream.iterate(0, i -> i < results.size(), i -> i + 1)
              .map(
                  i ->
                      charge.executeAsync(
                          IdempotentRequest.of(results.get(i)),
                          attempt -> {
                            running.countDown();
                            return works.get(i);
                          }))
              .toList();
      Concurrency.await(running);
      for (int i = 0; i < 2 * threads; i++) {
        IdempotentRequest abandoned = IdempotentRequest.of("abandoned-" + i);
        node.abandon(node.operation().build(), abandoned);
      }
      int claims = node.store.calls(Verb.CLAIM);
      for (int i = 0; i < threads; i++) {
        startRecovery(charge, "abandoned-" + i);
      }
      Concurrency.await(hooks);
      for (int i = threads; i < 2 * threads; i++) {
        startRecovery(charge, "abandoned-" + i);
      }
      for (int i = 0; i < results.size(); i++) {
        works.get(i).complete(results.get(i));
      }
      assertThat(runs.stream().map(run -> answer(run).orElseThrow()).toList()).isEqualTo(results);
      assertThat(node.store.calls(Verb.CLAIM))
          .as("others still wait")
          .isEqualTo(claims + 2 * threads);
      goOn.countDown();
    } finally {
      goOn.countDown();
    }
  }

  /** Which they must not, but then it is them who wait and not everybody. */
  @Test
  void whoHasRunIsAnsweredWhileBodiesBlock() {
    int bodies = Math.max(2, Runtime.getRuntime().availableProcessors());
    CompletableFuture<String> late = new CompletableFuture<>();
    try (Node node = Node.start(Runner.OFFLOADED)) {
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
      List<String> results = List.of("done", "nothing", "timeout");
      CountDownLatch running = new CountDownLatch(results.size());
      CompletableFuture<Void> end = new CompletableFuture<>();
      List<CompletionStage<Execution<String>>> runs =
          results.stream()
              .map(
                  result ->
                      charge.executeAsync(
                          IdempotentRequest.of(result),
                          attempt -> {
                            running.countDown();
                            return end.thenApply(nothing -> result);
                          }))
              .toList();
      Concurrency.await(running);
      // Not at once, or a body would run where it is asked for.
      CountDownLatch mayAnswer = new CountDownLatch(1);
      node.store.on(Verb.CLAIM, ScriptedStore.before(() -> Concurrency.await(mayAnswer)));
      CountDownLatch blocked = new CountDownLatch(bodies);
      for (int i = 0; i < bodies; i++) {
        var unused =
            charge.executeAsync(
                IdempotentRequest.of("blocking-" + i),
                attempt -> {
                  blocked.countDown();
                  return CompletableFuture.completedFuture(late.join());
                });
      }
      mayAnswer.countDown();
      Concurrency.await(blocked);

      end.complete(null);

      assertThat(runs.stream().map(run -> answer(run).orElseThrow()).toList()).isEqualTo(results);
      late.complete("late");
    } finally {
      late.complete("late");
    }
  }

  private static void startRecovery(Operation<String> operation, String key) {
    var unused =
        operation.executeAsync(
            IdempotentRequest.of(key), attempt -> CompletableFuture.completedFuture("done"));
  }
}
