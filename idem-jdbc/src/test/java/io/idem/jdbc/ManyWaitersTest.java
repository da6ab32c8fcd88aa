package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Ten thousand repeats of one running key, on two nodes and a pool of three connections. */
@Isolated("counts the threads of the process, and compares times")
class ManyWaitersTest {

  private static final int WAITERS = 10_000;
  private static final int POOL = 3;
  private static final int STACK_BYTES = 128 * 1024;
  private static final int SAMPLES = 200;
  private static final int ROUNDS = 3;

  /** Threads of the engines, the pool and the runtime that may start while the callers wait. */
  private static final int OTHERS = 20;

  private final TestDatabase database = TestDatabase.postgresql();
  private final CountDownLatch running = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicInteger replayed = new AtomicInteger();
  private final AtomicInteger otherKeys = new AtomicInteger();
  private final List<Thread> threads = new ArrayList<>();

  @Test
  void waitersHoldNoConnectionAndNoThreadButTheirOwnAndDelayNobody() throws Exception {
    try (HikariDataSource pool = pool();
        Idempotency owner = node(pool);
        Idempotency other = node(pool)) {
      Operation<String> here = operation(owner);
      Operation<String> there = operation(other);
      latency(here); // warms up
      long idle = latency(here);

      start(() -> here.execute(request("hot"), attempt -> runs()));
      assertThat(running.await(20, TimeUnit.SECONDS)).isTrue();
      int threadsBefore = ManagementFactory.getThreadMXBean().getThreadCount();
      for (int i = 0; i < WAITERS; i++) {
        Operation<String> operation = i % 2 == 0 ? here : there;
        start(
            () -> {
              if (operation
                  .execute(request("hot"), attempt -> "again")
                  .equals(new Execution.Replayed<>("first"))) {
                replayed.incrementAndGet();
              }
            });
      }
      awaitUntil("all wait", () -> threads.stream().allMatch(ManyWaitersTest::isParked));

      // One poller of the other node borrows a connection for the moments in which it looks.
      for (int i = 0; i < 200; i++) {
        assertThat(pool.getHikariPoolMXBean().getActiveConnections()).isLessThanOrEqualTo(1);
        LockSupport.parkNanos(1_000_000);
      }
      assertThat(ManagementFactory.getThreadMXBean().getThreadCount() - threadsBefore)
          .isLessThanOrEqualTo(WAITERS + OTHERS);

      // The best of some: what else runs on the machine for a moment is not the subject.
      long stormy = LongStream.generate(() -> latency(here)).limit(ROUNDS).min().orElseThrow();
      idle = Math.max(idle, idleAgain(here));
      System.out.printf(
          "A new key's run takes %d us at the median beside %d waiters, %d us without%n",
          stormy / 1_000, WAITERS, idle / 1_000);
      assertThat(stormy).as("median of a run beside the waiters, in ns").isLessThan(2 * idle);
    } finally {
      end.countDown();
    }
  }

  /** Lets all waiters go, and measures once more. */
  private long idleAgain(Operation<String> operation) throws InterruptedException {
    end.countDown();
    for (Thread thread : threads) {
      thread.join(TimeUnit.SECONDS.toMillis(60));
    }
    assertThat(replayed).hasValue(WAITERS);
    return latency(operation);
  }

  private HikariDataSource pool() {
    HikariConfig config = new HikariConfig();
    config.setDataSource(database.dataSource());
    config.setMaximumPoolSize(POOL);
    config.setConnectionTimeout(5_000);
    return new HikariDataSource(config);
  }

  private static Idempotency node(HikariDataSource pool) {
    return Idempotency.builder()
        .store(new JdbcIdempotencyStore(pool))
        .purgeEvery(Duration.ZERO)
        .build();
  }

  private static Operation<String> operation(Idempotency node) {
    return node.operation("charge", String.class).waitAtMost(Duration.ofMinutes(2)).build();
  }

  private static IdempotentRequest request(String key) {
    return IdempotentRequest.of(key);
  }

  private String runs() throws InterruptedException {
    running.countDown();
    assertThat(end.await(120, TimeUnit.SECONDS)).isTrue();
    return "first";
  }

  /** The median time of a run of a key of its own, in nanoseconds. */
  private long latency(Operation<String> operation) {
    long[] nanos = new long[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
      long start = System.nanoTime();
      operation.execute(request("other-" + otherKeys.incrementAndGet()), attempt -> "done");
      nanos[i] = System.nanoTime() - start;
    }
    Arrays.sort(nanos);
    return nanos[SAMPLES / 2];
  }

  /** A thread with a small stack: what a caller costs is its own matter, not the subject. */
  private void start(Body body) {
    Thread thread =
        new Thread(
            null,
            () -> {
              try {
                body.run();
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            },
            "waiter",
            STACK_BYTES);
    threads.add(thread);
    thread.start();
  }

  private interface Body {
    void run() throws Exception;
  }

  private static boolean isParked(Thread thread) {
    return thread.getState() == Thread.State.WAITING
        || thread.getState() == Thread.State.TIMED_WAITING;
  }

  private static void awaitUntil(String what, java.util.function.BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("time until " + what).isNegative();
      LockSupport.parkNanos(5_000_000);
    }
  }
}
