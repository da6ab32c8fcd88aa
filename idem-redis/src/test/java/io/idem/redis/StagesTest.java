package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.Recording;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The store's stages: what they cost, where they end and how they fail. */
class StagesTest {

  private static final long BOUND = 20;

  private final TestNode node = TestNode.to(servers().standalone());
  private final ConcurrentLinkedQueue<String> waitedFor = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> sent = new ConcurrentLinkedQueue<>();

  Servers servers() {
    return Servers.EMBEDDED;
  }

  @AfterEach
  void close() {
    node.close();
  }

  /** A port that says how it is asked. */
  private AsyncRedisPort telling() {
    return new AsyncRedisPort() {
      @Override
      public @Nullable Object execute(RedisCommand command) {
        waitedFor.add(command.name());
        return node.redis().execute(command);
      }

      @Override
      public CompletionStage<@Nullable Object> executeAsync(RedisCommand command) {
        sent.add(command.name());
        return node.redis().executeAsync(command);
      }
    };
  }

  private static AsyncStore stages(RedisIdempotencyStore store) {
    return store.capability(AsyncStore.class).orElseThrow();
  }

  private static <T> T join(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().get(BOUND, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("There is no answer", e);
    }
  }

  private static Throwable failure(CompletionStage<?> stage) {
    try {
      Object answer = stage.toCompletableFuture().get(BOUND, TimeUnit.SECONDS);
      throw new AssertionError("It should have failed: " + answer);
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("There is no answer", e);
    }
  }

  /** The thread that brings the server's answers is the driver's. */
  @Test
  void bodiesAndAnswersMayAskTheServerAndWait() {
    RedisIdempotencyStore store = new RedisIdempotencyStore(node.redis());
    try (Idempotency idempotency = Idempotency.builder().store(store).build()) {
      Operation<String> charge = idempotency.operation("charge", String.class).build();
      Operation<String> inner = idempotency.operation("inner", String.class).build();
      Operation<String> after = idempotency.operation("after", String.class).build();
      for (int i = 0; i < 20; i++) {
        IdempotentRequest key = newKey();
        CompletionStage<String> last =
            charge
                .executeAsync(
                    key,
                    attempt ->
                        CompletableFuture.completedFuture(
                            inner.execute(key, within -> "done").orElseThrow()))
                .thenApply(done -> after.execute(key, within -> done.orElseThrow()).orElseThrow());
        assertThat(join(last)).isEqualTo("done");
      }
    }
  }

  @Test
  void aRunTakesTwoCommandsThatNobodyWaitsFor() {
    RedisIdempotencyStore store = new RedisIdempotencyStore(telling());
    try (Idempotency idempotency = Idempotency.builder().store(store).build()) {
      Operation<String> charge = idempotency.operation("charge", String.class).build();
      run(charge, newKey()); // the server knows the scripts from here on
      sent.clear();
      waitedFor.clear();

      IdempotentRequest key = newKey();
      assertThat(run(charge, key)).isEqualTo(new Execution.Ran<>("done", Recording.STORED));
      assertThat(sent).containsExactly(servers().claim(), servers().completion());
      assertThat(run(charge, key)).isEqualTo(new Execution.Replayed<>("done"));
      assertThat(sent).containsExactly(servers().claim(), servers().completion(), "GET");
      assertThat(waitedFor).isEmpty();
    }
  }

  private static IdempotentRequest newKey() {
    return IdempotentRequest.of(UUID.randomUUID().toString());
  }

  private static Execution<String> run(Operation<String> charge, IdempotentRequest key) {
    return join(charge.executeAsync(key, attempt -> CompletableFuture.completedFuture("done")));
  }

  @Test
  void onlyTheScriptTellsWhatIsLeftOfALease() {
    AsyncStore stages = stages(new RedisIdempotencyStore(telling()));
    RecordId id = Requests.newId();
    join(stages.claimAsync(Requests.claimOf(id)));
    join(stages.claimAsync(Requests.claimOf(id)));
    sent.clear();

    assertThat(join(stages.claimAsync(Requests.claimOf(id)))).isInstanceOf(Claim.Running.class);
    assertThat(List.copyOf(sent))
        .isEqualTo(servers().claimsPlainly() ? List.of("SET", "EVALSHA") : List.of("EVALSHA"));
  }

  @Test
  void aServerThatForgotTheScriptsIsSentThemAgain() {
    AsyncStore stages = stages(new RedisIdempotencyStore(telling()));
    Lease lease =
        ((Claim.Acquired) join(stages.claimAsync(Requests.claimOf(Requests.newId())))).lease();
    node.send("SCRIPT", "FLUSH");
    sent.clear();

    assertThat(join(stages.renewAsync(lease, Requests.LEASE))).isEqualTo(LeaseCheck.HELD);
    assertThat(sent).containsExactly("EVALSHA", "EVAL");
  }

  @Test
  void aServerThatRefusesThePlainClaimIsAskedForItOnce() {
    AsyncRedisPort outdated =
        new AsyncRedisPort() {
          @Override
          public @Nullable Object execute(RedisCommand command) {
            return command.name().equals("INFO")
                ? "redis_version:7.0.0".getBytes(StandardCharsets.UTF_8)
                : node.redis().execute(command);
          }

          @Override
          public CompletionStage<@Nullable Object> executeAsync(RedisCommand command) {
            sent.add(command.name());
            return command.name().equals("SET")
                ? CompletableFuture.failedFuture(new RedisReplyException("ERR syntax error", null))
                : node.redis().executeAsync(command);
          }
        };
    AsyncStore stages = stages(new RedisIdempotencyStore(outdated));
    for (int i = 0; i < 2; i++) {
      assertThat(join(stages.claimAsync(Requests.claimOf(Requests.newId()))))
          .isInstanceOf(Claim.Acquired.class);
    }
    assertThat(sent.stream().filter(name -> !name.equals("EVAL")))
        .containsExactly("SET", "EVALSHA", "EVALSHA");
  }

  @Test
  void aPortThatCanOnlyBeWaitedForMakesNoStages() {
    RedisPort waiting = command -> node.redis().execute(command);
    assertThat(new RedisIdempotencyStore(waiting).capability(AsyncStore.class)).isEmpty();
    try (Idempotency idempotency =
        Idempotency.builder().store(new RedisIdempotencyStore(waiting)).build()) {
      assertThat(run(idempotency.operation("charge", String.class).build(), newKey()))
          .isEqualTo(new Execution.Ran<>("done", Recording.STORED));
    }
  }

  @Test
  void aValueOfSomebodyElseIsReportedAndLeftAlone() {
    AsyncStore stages = stages(node.store());
    RecordId id = Requests.newId();
    node.send("SET", id, "somebody else's value");
    Lease lease = new Lease(id, Requests.newToken(), 1);

    for (CompletionStage<?> stage :
        List.of(
            stages.claimAsync(Requests.takeOverOf(id)),
            stages.completeAsync(lease, StoredOutcome.done(), Requests.RETENTION),
            stages.releaseAsync(lease),
            stages.renewAsync(lease, Requests.LEASE))) {
      assertThat(failure(stage))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContainingAll(id.toString(), "left alone");
    }
    node.send("DEL", id);
  }

  @Test
  void aServersErrorSaysWhatToLookAt() {
    RecordId id = Requests.newId();
    node.send("HSET", id, "field", "value");

    assertThat(failure(stages(node.store()).claimAsync(Requests.takeOverOf(id))))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContainingAll("WRONGTYPE", "left alone");
    node.send("DEL", id);
  }

  @Test
  void aServerThatDoesNotAnswerEndsItsStagesWithinTheBound() {
    try (TestRedis.Server server = servers().start();
        TestNode impatient =
            TestNode.to(RedisClient.create(server.url()), Duration.ofMillis(200))) {
      AsyncStore stages = stages(impatient.store());
      impatient.send("CLIENT", "PAUSE", "10000");
      long start = System.nanoTime();
      List<CompletionStage<Claim>> claims = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        claims.add(stages.claimAsync(Requests.claimOf(Requests.newId())));
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .as("the caller is not held up")
          .isLessThan(Duration.ofSeconds(4));
      assertThat(claims)
          .allSatisfy(
              claim ->
                  assertThat(failure(claim))
                      .isInstanceOf(StoreUnavailableException.class)
                      .hasMessageContaining("within 200 ms"));
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(8));
    }
  }

  @Test
  void whatIsTooLateIsNotSentWhenTheServerIsBack() {
    try (TestRedis.Server mortal = servers().start();
        TestNode orphan = TestNode.to(RedisClient.create(mortal.url()), Duration.ofMillis(500))) {
      AsyncStore stages = stages(orphan.store());
      RecordId late = Requests.newId();
      mortal.kill();
      assertThat(failure(stages.claimAsync(Requests.claimOf(late))))
          .isInstanceOf(StoreUnavailableException.class);

      mortal.restart();
      assertThat(claimedWhenItIsBack(stages)).isInstanceOf(Claim.Acquired.class);
      assertThat(orphan.send("EXISTS", late)).isEqualTo(0L);
    }
  }

  /** Each claim waits for the server as long as a command may take. */
  private static Claim claimedWhenItIsBack(AsyncStore stages) {
    for (int i = 0; i < 60; i++) {
      Claim claim =
          join(stages.claimAsync(Requests.claimOf(Requests.newId())).exceptionally(e -> null));
      if (claim != null) {
        return claim;
      }
    }
    throw new AssertionError("The return of the server was not noticed");
  }

  @Test
  void aClosedConnectionEndsItsStages() {
    RecordId id = Requests.newId();
    TestNode closed = TestNode.to(servers().standalone());
    AsyncStore stages = stages(closed.store());
    closed.close();
    assertThat(failure(stages.claimAsync(Requests.claimOf(id))))
        .isInstanceOf(StoreUnavailableException.class);
  }

  @Test
  void waitersOnAnotherNodeAreWokenAndHoldNoThread() {
    try (TestNode other = TestNode.to(servers().standalone());
        Idempotency here = Idempotency.builder().store(node.store()).build();
        Idempotency there = Idempotency.builder().store(other.store()).build()) {
      IdempotentRequest key = newKey();
      CompletableFuture<String> work = new CompletableFuture<>();
      CompletableFuture<String> running = new CompletableFuture<>();
      CompletionStage<Execution<String>> first =
          operation(here)
              .executeAsync(
                  key,
                  attempt -> {
                    running.complete(Thread.currentThread().getName());
                    return work;
                  });
      join(running);
      int before = Thread.activeCount();
      List<CompletionStage<Execution<String>>> waiting = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        waiting.add(operation(there).executeAsync(key, attempt -> work));
      }
      assertThat(Thread.activeCount() - before)
          .isLessThan(3 * Runtime.getRuntime().availableProcessors() + 12);
      work.complete("done");
      assertThat(join(first)).isEqualTo(new Execution.Ran<>("done", Recording.STORED));
      assertThat(waiting)
          .allSatisfy(each -> assertThat(join(each)).isEqualTo(new Execution.Replayed<>("done")));
    }
  }

  private static Operation<String> operation(Idempotency idempotency) {
    return idempotency
        .operation("charge", String.class)
        .waitAtMost(Duration.ofSeconds(BOUND))
        .build();
  }
}
