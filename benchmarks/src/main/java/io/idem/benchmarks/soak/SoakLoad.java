package io.idem.benchmarks.soak;

import io.idem.core.BatchBody;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.ItemAnswer;
import io.idem.core.Mode;
import io.idem.core.Operation;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What is done to the engine: one consumer of batches makes the volume, clients of single keys
 * measure.
 *
 * <p>A client takes turns: a transactional key without an answer, a leased one with an answer of
 * 200 characters, and every fourth time a repeat, which must be replayed. Each method is run by
 * threads of its own until it is told to stop.
 */
final class SoakLoad {

  private static final String ANSWER = "x".repeat(200);

  private final SoakSettings settings;
  private final Operation<@Nullable Void> consume;
  private final Operation<String> pay;
  private final AtomicLong keys = new AtomicLong();
  private final AtomicLong wrong = new AtomicLong();
  private final Object lock = new Object();
  private long[] latencies = new long[1 << 16];
  private int measured;

  @SuppressWarnings("NullAway") // does not see that the result of an inbox is always null
  SoakLoad(SoakSettings settings, Idempotency idempotency) {
    this.settings = settings;
    this.consume =
        idempotency
            .operation("consume")
            .mode(Mode.TRANSACTIONAL)
            // A key expires that much later than its retention.
            .lease(Duration.ofMillis(100))
            .retention(settings.retention())
            .build();
    this.pay =
        idempotency
            .operation("pay", String.class)
            .mode(Mode.LEASED)
            .lease(Duration.ofSeconds(5))
            .retention(settings.retention())
            .build();
  }

  long keys() {
    return keys.get();
  }

  /** How many answers were not what they had to be. */
  long wrong() {
    return wrong.get();
  }

  /** Batches of new keys at the rate that is set, all clients' keys included. */
  void consumeBatches(BooleanSupplier stop) throws Exception {
    long start = System.nanoTime();
    while (!stop.getAsBoolean()) {
      long due = start + (long) (keys.get() * 1e9 / settings.rate());
      LockSupport.parkNanos(due - System.nanoTime());
      List<IdempotentRequest> requests = new ArrayList<>(settings.batch());
      for (int i = 0; i < settings.batch(); i++) {
        requests.add(IdempotentRequest.of(key()));
      }
      for (ItemAnswer<@Nullable Void> answer :
          consume.executeAll(requests, BatchBody.all(fresh -> {}))) {
        expect(answer.orElseThrow() instanceof Execution.Ran);
      }
      keys.addAndGet(requests.size());
    }
  }

  /** Single keys, measured. */
  @SuppressWarnings("NullAway") // does not see that the result of an inbox is always null
  void sendSingles(BooleanSupplier stop) {
    Deque<String> paid = new ArrayDeque<>();
    for (long turn = 0; !stop.getAsBoolean(); turn++) {
      boolean repeat = turn % 4 == 3 && !paid.isEmpty();
      boolean inbox = !repeat && turn % 2 == 0;
      String key = repeat ? paid.removeFirst() : key();
      long start = System.nanoTime();
      Execution<?> answer =
          inbox ? consume.execute(key, () -> null) : pay.execute(key, () -> ANSWER);
      long nanos = System.nanoTime() - start;
      if (repeat) {
        expect(answer instanceof Execution.Replayed);
      } else {
        expect(answer instanceof Execution.Ran);
        keys.incrementAndGet();
        if (!inbox) {
          paid.add(key);
        }
      }
      measured(nanos / 1_000);
      LockSupport.parkNanos(settings.pause().toNanos());
    }
  }

  /** The median and the 99th percentile since the last time, in microseconds. */
  long[] latencies() {
    long[] sorted;
    synchronized (lock) {
      sorted = Arrays.copyOf(latencies, measured);
      measured = 0;
    }
    Arrays.sort(sorted);
    return sorted.length == 0
        ? new long[] {0, 0}
        : new long[] {sorted[sorted.length / 2], sorted[(int) (sorted.length * 0.99)]};
  }

  private void measured(long micros) {
    synchronized (lock) {
      if (measured == latencies.length) {
        latencies = Arrays.copyOf(latencies, 2 * measured);
      }
      latencies[measured++] = micros;
    }
  }

  private void expect(boolean right) {
    if (!right) {
      wrong.incrementAndGet();
    }
  }

  private String key() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long high =
        settings.timeOrdered()
            ? (System.currentTimeMillis() << 16) | 0x7000L | random.nextInt(0x1000)
            : (random.nextLong() & ~0xF000L) | 0x4000L;
    return new UUID(high, (random.nextLong() >>> 2) | Long.MIN_VALUE).toString();
  }
}
