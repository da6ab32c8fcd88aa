package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Verb;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Repeats that arrive while the first request is running. */
class WaitingTest extends RunnerTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");

  private final Concurrency threads = new Concurrency();
  private final CountDownLatch running = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicInteger runs = new AtomicInteger();
  private Node node = Node.start(runner());

  @AfterEach
  void stop() {
    end.countDown();
    threads.close();
    node.close();
  }

  /** A run that goes on until {@link #end}. */
  private Started<Execution<String>> startRun(Operation<String> operation) {
    Started<Execution<String>> started =
        threads.start(
            () ->
                on(operation)
                    .execute(
                        KEY,
                        attempt -> {
                          runs.incrementAndGet();
                          running.countDown();
                          await(end);
                          return "first";
                        }));
    await(running);
    return started;
  }

  private Execution<String> repeat(Operation<String> operation) {
    return on(operation)
        .execute(
            KEY,
            attempt -> {
              runs.incrementAndGet();
              return "second";
            });
  }

  @Test
  void aFollowerIsAnsweredWhenItsLeaderIs() {
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    Started<Execution<String>> first = startRun(charge);
    Started<Execution<String>> follower = threads.start(() -> repeat(charge));
    follower.awaitParked();
    assertThat(follower.isDone()).isFalse();
    int claims = node.store.calls(Verb.CLAIM);
    end.countDown();
    assertThat(follower.answer()).isEqualTo(new Execution.Replayed<>("first"));
    assertThat(first.answer()).isEqualTo(new Execution.Ran<>("first", Recording.STORED));
    assertThat(node.store.calls(Verb.CLAIM)).as("followers do not ask the store").isEqualTo(claims);
  }

  @Test
  void aFollowerIsNotGivenAnOutcomeThatIsNotDurable() {
    node.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
    Started<Execution<String>> first = startRun(node.operation().build());
    Operation<String> charge = node.operation().waitAtMost(Duration.ofSeconds(2)).build();
    Started<Execution<String>> follower = threads.start(() -> repeat(charge));
    follower.awaitParked();
    end.countDown();
    assertThat(first.answer()).isEqualTo(new Execution.Ran<>("first", Recording.PENDING));
    assertThat(follower.answer()).isInstanceOf(Execution.Busy.class);
    node.store.heal(Verb.COMPLETE);
    assertThat(repeat(node.operation().waitAtMost(Concurrency.BOUND).build()))
        .isEqualTo(new Execution.Replayed<>("first"));
    assertThat(runs).hasValue(1);
  }

  @Test
  void pastTheBoundAFollowerIsToldBusy() {
    Operation<String> charge =
        node.operation()
            .waitAtMost(Duration.ofMillis(20))
            .retryAfter(Duration.ofSeconds(7))
            .build();
    Started<Execution<String>> first = startRun(charge);
    assertThat(repeat(charge)).isEqualTo(new Execution.Busy<>(Duration.ofSeconds(7)));
    try (Node other = node.neighbour()) {
      assertThat(repeat(other.operation().waitAtMost(Duration.ofMillis(20)).build()))
          .isInstanceOf(Execution.Busy.class);
    }
    end.countDown();
    assertThat(first.answer()).isEqualTo(new Execution.Ran<>("first", Recording.STORED));
    assertThat(runs).hasValue(1);
  }

  @Test
  void whoMayNotWaitIsToldBusyAtOnce() {
    Operation<String> charge = node.operation().waitAtMost(Duration.ZERO).build();
    startRun(charge);
    assertThat(repeat(charge)).isInstanceOf(Execution.Busy.class);
    try (Node other = node.neighbour()) {
      assertThat(repeat(other.operation().waitAtMost(Duration.ZERO).build()))
          .isInstanceOf(Execution.Busy.class);
      assertThat(other.store.calls(Verb.CLAIM)).isEqualTo(1);
    }
  }

  @Test
  void whoMayNotWaitIsStillGivenAStoredAnswerHoweverManyAskAtOnce() {
    Operation<String> charge = node.operation().waitAtMost(Duration.ZERO).build();
    repeat(charge);
    List<List<Execution<String>>> answers =
        threads.together(
            8,
            () -> {
              List<Execution<String>> own = new java.util.ArrayList<>();
              for (int i = 0; i < 5_000; i++) {
                own.add(repeat(charge));
              }
              return own;
            });
    assertThat(answers.stream().flatMap(List::stream).distinct())
        .containsExactly(new Execution.Replayed<>("second"));
  }

  @Test
  void aWaiterOnAnotherNodeIsAnsweredToo() {
    Operation<String> charge = node.operation().build();
    try (Node other = node.neighbour()) {
      startRun(charge);
      Operation<String> there = other.operation().waitAtMost(Concurrency.BOUND).build();
      Started<Execution<String>> waiter = threads.start(() -> repeat(there));
      Concurrency.awaitUntil("it looks twice", () -> other.store.calls(Verb.CLAIM) > 2);
      end.countDown();
      assertThat(waiter.answer()).isEqualTo(new Execution.Replayed<>("first"));
    }
  }

  @Test
  void onlySoManyMayWait() {
    node.close();
    node = Node.start(runner(), builder -> builder.maxWaiters(1));
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    startRun(charge);
    Started<Execution<String>> follower = threads.start(() -> repeat(charge));
    follower.awaitParked();
    assertThat(repeat(charge)).isInstanceOf(Execution.Busy.class);
    end.countDown();
    assertThat(follower.answer()).isEqualTo(new Execution.Replayed<>("first"));
    assertThat(repeat(charge)).as("its place is free again").isInstanceOf(Execution.Replayed.class);
  }

  @Test
  void whoWaitedAndRunsTakesNoPlaceAmongTheWaiters() {
    try (Node limited = limitedNeighbour()) {
      Operation<String> here =
          node.operation()
              .onResult(result -> Disposition.RELEASE)
              .waitAtMost(Concurrency.BOUND)
              .build();
      startRun(here);
      Operation<String> there = limited.operation().waitAtMost(Concurrency.BOUND).build();
      CountDownLatch secondRuns = new CountDownLatch(1);
      CountDownLatch secondEnds = new CountDownLatch(1);
      Started<Execution<String>> second =
          threads.start(
              () ->
                  on(there)
                      .execute(
                          KEY,
                          attempt -> {
                            secondRuns.countDown();
                            await(secondEnds);
                            return "second";
                          }));
      Concurrency.awaitUntil("it waits", () -> limited.store.calls(Verb.CLAIM) > 1);
      end.countDown();
      await(secondRuns);
      Started<Execution<String>> follower = threads.start(() -> repeat(there));
      follower.awaitParked();
      assertThat(follower.isDone()).isFalse();
      secondEnds.countDown();
      assertThat(second.answer()).isInstanceOf(Execution.Ran.class);
      assertThat(follower.answer()).isEqualTo(new Execution.Replayed<>("second"));
    }
  }

  private Node limitedNeighbour() {
    return node.neighbour(builder -> builder.maxWaiters(1));
  }

  @Test
  void whenALeaderFailsWithNothingDoneTheNextOneRuns() {
    Operation<String> charge =
        node.operation().onOtherFailure(Disposition.RELEASE).waitAtMost(Concurrency.BOUND).build();
    Started<String> first =
        threads.start(
            () -> {
              try {
                return on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          running.countDown();
                          await(end);
                          throw new IllegalStateException("nothing done");
                        })
                    .toString();
              } catch (IllegalStateException e) {
                return e.getMessage();
              }
            });
    await(running);
    List<Started<Execution<String>>> followers =
        List.of(threads.start(() -> repeat(charge)), threads.start(() -> repeat(charge)));
    followers.forEach(Started::awaitParked);
    end.countDown();
    assertThat(first.answer()).isEqualTo("nothing done");
    assertThat(followers).extracting(f -> f.answer().orElseThrow()).containsOnly("second");
    assertThat(runs).hasValue(1);
  }

  @Test
  void followersOfAStoreThatFailsSlowlyDoNotQueueForIt() {
    Operation<String> charge = node.operation().waitAtMost(Duration.ZERO).build();
    CountDownLatch claiming = new CountDownLatch(1);
    node.store.on(
        Verb.CLAIM,
        new ScriptedStore.Fault() {
          @Override
          public <R> R apply(java.util.function.Supplier<R> real) {
            claiming.countDown();
            // A driver's timeout, as a wait for something that does not come.
            java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofMillis(400).toNanos());
            throw ScriptedStore.down();
          }
        });
    long start = System.nanoTime();
    threads.together(
        12,
        () -> {
          try {
            return repeat(charge).toString();
          } catch (io.idem.core.store.StoreUnavailableException e) {
            return "down";
          }
        });
    await(claiming);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .as("one look's time and the last leader's, not twelve timeouts in a row")
        .isLessThan(Duration.ofMillis(12 * 400 * 3 / 4));
  }
}
