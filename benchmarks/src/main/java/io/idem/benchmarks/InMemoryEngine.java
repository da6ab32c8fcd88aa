package io.idem.benchmarks;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Operation;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the engine itself costs: every request goes through key, flight, claim, heartbeat and codec,
 * and the store is a map in this process.
 *
 * <p>Every key of a first run is new. The store is bounded and outcomes expire after a moment, so
 * the figure includes the purging that a long-running process has to do.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
@NullUnmarked // set-up methods fill the fields
public class InMemoryEngine {

  /** The engine and what is stored in it. */
  @State(Scope.Benchmark)
  public static class Engine {

    private final AtomicLong threads = new AtomicLong();
    private Idempotency idempotency;
    private Operation<String> replayed;
    private Operation<String> first;

    /** Starts an engine for one iteration. */
    @Setup(Level.Iteration)
    public void start() {
      idempotency =
          Idempotency.builder()
              .store(new InMemoryStore(50_000))
              .purgeEvery(Duration.ofMillis(20))
              .build();
      replayed = idempotency.operation("replayed", String.class).build();
      first = idempotency.operation("first", String.class).retention(Duration.ofMillis(20)).build();
    }

    /** Ends the engine. */
    @TearDown(Level.Iteration)
    public void stop() {
      idempotency.close();
    }
  }

  /** One caller with a key of its own. */
  @State(Scope.Thread)
  public static class Caller {

    private String source;
    private IdempotentRequest stored;
    private long sequence;

    /** Stores the outcome that is replayed. */
    @Setup(Level.Iteration)
    public void store(Engine engine) {
      source = "merchant-" + engine.threads.incrementAndGet();
      stored =
          IdempotentRequest.of("8e03978e-40d5-43e8-bc93-6894a57f9324")
              .from(source)
              .comparing("10 EUR");
      engine.replayed.execute(stored, attempt -> "receipt");
    }

    private IdempotentRequest next() {
      return new IdempotentRequest(source, "order-" + sequence++, stored.fingerprint());
    }
  }

  /** A repeat that is given the stored outcome. */
  @Benchmark
  public Execution<String> replay(Engine engine, Caller caller) {
    return engine.replayed.execute(caller.stored, attempt -> "never");
  }

  /** A repeat that is given the stored outcome, while another caller repeats its own request. */
  @Benchmark
  @Threads(2)
  public Execution<String> replayByTwo(Engine engine, Caller caller) {
    return engine.replayed.execute(caller.stored, attempt -> "never");
  }

  /** A request under a new key: claim, run, complete. */
  @Benchmark
  public Execution<String> firstRun(Engine engine, Caller caller) {
    return engine.first.execute(caller.next(), attempt -> "receipt");
  }

  /** A request under a new key, while another caller sends its own. */
  @Benchmark
  @Threads(2)
  public Execution<String> firstRunByTwo(Engine engine, Caller caller) {
    return engine.first.execute(caller.next(), attempt -> "receipt");
  }
}
