package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.AnswerCache;
import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a storm of repeats costs the store. */
class SingleFlightTest extends RunnerTest {

  private static final int STORM = 1_000;
  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");

  private final Concurrency threads = new Concurrency();
  private final MapAnswerCache cache = new MapAnswerCache();
  private final Node node = Node.start(runner());
  private final Node caching = node.neighbour(builder -> builder.answerCache(cache));
  private final AtomicInteger runs = new AtomicInteger();
  private final CountDownLatch running = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);

  @AfterEach
  void stop() {
    end.countDown();
    threads.close();
    caching.close();
    node.close();
  }

  private Execution<String> run(Operation<String> operation) {
    return on(operation).execute(KEY, attempt -> "run-" + runs.incrementAndGet());
  }

  private Started<Execution<String>> startRun(Operation<String> operation) {
    Started<Execution<String>> first =
        threads.start(
            () ->
                on(operation)
                    .execute(
                        KEY,
                        attempt -> {
                          running.countDown();
                          await(end);
                          return "run-" + runs.incrementAndGet();
                        }));
    await(running);
    return first;
  }

  private List<Started<Execution<String>>> storm(Operation<String> operation) {
    List<Started<Execution<String>>> storm = new ArrayList<>();
    for (int i = 0; i < STORM; i++) {
      storm.add(threads.start(() -> run(operation)));
    }
    return storm;
  }

  @Test
  void repeatsOfARunningKeyCostNoCallOfTheirOwn() {
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    startRun(charge);
    List<Started<Execution<String>>> storm = storm(charge);
    storm.forEach(Started::awaitParked);
    end.countDown();
    assertThat(storm)
        .extracting(Started::answer)
        .containsOnly(new Execution.Replayed<>("run-1"))
        .hasSize(STORM);
    assertThat(node.store.calls(Verb.CLAIM)).isEqualTo(1);
    assertThat(node.store.calls(Verb.COMPLETE)).isEqualTo(1);
  }

  @Test
  void replaysThatMeetShareOneCall() {
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    run(charge);
    int before = node.store.calls(Verb.CLAIM);
    CountDownLatch answered = new CountDownLatch(1);
    node.store.on(
        Verb.CLAIM,
        ScriptedStore.before(
            () -> {
              answered.countDown();
              await(end);
            }));
    Started<Execution<String>> first = threads.start(() -> run(charge));
    await(answered);
    List<Started<Execution<String>>> storm = storm(charge);
    storm.forEach(Started::awaitParked);
    end.countDown();
    assertThat(storm).extracting(Started::answer).containsOnly(new Execution.Replayed<>("run-1"));
    assertThat(first.answer()).isEqualTo(new Execution.Replayed<>("run-1"));
    assertThat(node.store.calls(Verb.CLAIM) - before).isEqualTo(1);
  }

  @Test
  void waitersForAnotherNodeShareOnePoller() {
    startRun(node.operation().build());
    try (Node other = node.neighbour()) {
      Operation<String> there = other.operation().waitAtMost(Duration.ofSeconds(2)).build();
      List<Started<Execution<String>>> storm = storm(there);
      assertThat(storm).extracting(Started::answer).hasOnlyElementsOfType(Execution.Busy.class);
      // One poller pauses 5, 10, 20 … 250 ms: some 13 looks in two seconds, and a few more from
      // those who come after it and still have time. A poller each would be 13,000.
      assertThat(other.store.calls(Verb.CLAIM)).isBetween(5, 150);
    }
  }

  @Test
  void aFollowerWhoseTimeIsOverAsksNoStore() {
    CountDownLatch looking = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    node.store.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              looking.countDown();
              await(goOn);
              throw ScriptedStore.down();
            }));
    Operation<String> charge = node.operation().waitAtMost(Duration.ofMillis(300)).build();
    Started<Boolean> leader =
        threads.start(
            () -> {
              try {
                run(charge);
                return false;
              } catch (StoreUnavailableException e) {
                return true;
              }
            });
    await(looking);
    Started<Execution<String>> follower = threads.start(() -> run(charge));
    follower.awaitParked();
    long deadline = System.nanoTime() + Duration.ofMillis(400).toNanos();
    Concurrency.awaitUntil("their time is over", () -> System.nanoTime() - deadline > 0);
    goOn.countDown();
    assertThat(leader.answer()).as("told that the store is down").isTrue();
    assertThat(follower.answer()).isInstanceOf(Execution.Busy.class);
    assertThat(node.store.calls(Verb.CLAIM)).isEqualTo(1);
  }

  @Test
  void aCachedReplayCostsNoCall() {
    Operation<String> charge = caching.operation().retention(Duration.ofHours(1)).build();
    run(charge);
    int before = caching.store.calls(Verb.CLAIM);
    assertThat(run(charge)).isEqualTo(new Execution.Replayed<>("run-1"));
    assertThat(
            on(charge)
                .execute(IdempotentRequest.of("order-42").comparing("20 EUR"), attempt -> "never"))
        .as("another request under the key is still misuse")
        .isInstanceOf(Execution.KeyReused.class);
    assertThat(caching.store.calls(Verb.CLAIM)).isEqualTo(before);
    assertThat(
            on(charge)
                .execute(
                    IdempotentRequest.of("order-42").from("another caller"), attempt -> "theirs"))
        .as("another caller's key is another key")
        .isEqualTo(new Execution.Ran<>("theirs", Recording.STORED));
    assertThat(cache.times).allMatch(time -> time.compareTo(Duration.ofHours(1)) <= 0);
    assertThat(caching.decisions()).contains(Decision.REPLAYED, Decision.KEY_REUSED);
  }

  @Test
  void aCacheThatEndsInAnErrorCostsNobodyTheirAnswer() {
    Operation<String> charge =
        node.neighbour(
                builder ->
                    builder.answerCache(
                        new AnswerCache() {
                          @Override
                          public Claim.Completed get(RecordId id) {
                            throw new NoClassDefFoundError("cache");
                          }

                          @Override
                          public void put(RecordId id, Claim.Completed answer, Duration keepFor) {
                            throw new OutOfMemoryError("cache");
                          }
                        }))
            .operation()
            .build();
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
    assertThat(run(charge)).isEqualTo(new Execution.Replayed<>("run-1"));
  }

  @Test
  void onlyWhatIsDurableIsCached() {
    Operation<String> charge = caching.operation().build();
    caching.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.PENDING));
    Operation<String> fails = caching.operation().waitAtMost(Duration.ZERO).build();
    IdempotentRequest lost = IdempotentRequest.of("lost");
    caching.abandon(fails, lost);
    assertThat(on(fails).execute(lost, attempt -> "never"))
        .isInstanceOf(Execution.Unresolved.class);
    assertThat(cache.answers).isEmpty();
    caching.store.heal(Verb.COMPLETE);
  }

  @Test
  void aClaimThatWasHeldBackIsNotGivenBack() {
    Operation<String> charge = node.operation().build();
    node.store.on(
        Verb.CLAIM,
        new ScriptedStore.Fault() {
          @Override
          public <R> R apply(Supplier<R> real) {
            throw new StoreNotAskedException("circuit breaker open", null);
          }
        });
    assertThatExceptionOfType(StoreNotAskedException.class).isThrownBy(() -> run(charge));
    node.close(); // waits for what is pending
    assertThat(node.store.calls(Verb.RELEASE)).isZero();
  }

  @Test
  void aLeaseCountsFromWhenItsClaimWasSent() {
    Duration third = Duration.ofSeconds(2);
    node.store.on(
        Verb.CLAIM,
        ScriptedStore.before(
            () -> {
              long until = System.nanoTime() + third.plusMillis(100).toNanos();
              Concurrency.awaitUntil("the answer came late", () -> System.nanoTime() - until > 0);
            }));
    Operation<String> charge = node.operation().lease(third.multipliedBy(3)).build();
    on(charge)
        .execute(
            KEY,
            attempt -> {
              long began = System.nanoTime();
              Concurrency.awaitUntil("it is renewed", () -> node.store.calls(Verb.RENEW) > 0);
              assertThat(Duration.ofNanos(System.nanoTime() - began))
                  .as("a third of the lease was over before the body began")
                  .isLessThan(third);
              return "done";
            });
  }
}
