package io.idem.resilience4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import io.idem.core.BatchBody;
import io.idem.core.Execution;
import io.idem.core.FailoverStore;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.ItemAnswer;
import io.idem.core.Operation;
import io.idem.core.Recording;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CircuitBreakerStoreTest {

  private static final int WINDOW = 5;

  private final AtomicLong clock = new AtomicLong();
  private final Flaky flaky = new Flaky();
  private final CircuitBreaker breaker =
      CircuitBreaker.of(
          "store",
          CircuitBreakerConfig.custom()
              .slidingWindowType(SlidingWindowType.COUNT_BASED)
              .slidingWindowSize(WINDOW)
              .minimumNumberOfCalls(WINDOW)
              .waitDurationInOpenState(Duration.ofHours(1))
              .permittedNumberOfCallsInHalfOpenState(1)
              .slowCallDurationThreshold(Duration.ofSeconds(1))
              .currentTimestampFunction(ignored -> clock.get(), TimeUnit.NANOSECONDS)
              .build());
  private final CircuitBreakerStore store = new CircuitBreakerStore(flaky, breaker);
  private final Idempotency engine =
      Idempotency.builder().store(store).shutdownWithin(Duration.ofSeconds(5)).build();
  private final AtomicInteger keys = new AtomicInteger();

  @AfterEach
  void close() {
    flaky.down = false;
    engine.close();
  }

  private Execution<String> run(Idempotency on, String key) {
    return on.operation("charge", String.class)
        .build()
        .execute(IdempotentRequest.of(key), attempt -> "done");
  }

  private void open() {
    flaky.down = true;
    for (int i = 0; i < WINDOW; i++) {
      assertThatExceptionOfType(StoreUnavailableException.class)
          .isThrownBy(() -> run(engine, "k" + keys.incrementAndGet()));
    }
    assertThat(breaker.getState()).isEqualTo(State.OPEN);
  }

  @Test
  void aStoreThatFailsIsNotAskedAnyMore() {
    open();
    int before = flaky.claims.get();
    assertThatExceptionOfType(StoreNotAskedException.class)
        .isThrownBy(() -> run(engine, "another"))
        .withMessageContaining("'store' is OPEN");
    assertThat(flaky.claims).hasValue(before);
  }

  @Test
  void aStoreThatIsSlowIsNotAskedAnyMore() {
    flaky.takes = Duration.ofSeconds(2);
    while (breaker.getState() == State.CLOSED) {
      assertThat(run(engine, "k" + keys.incrementAndGet())).isInstanceOf(Execution.Ran.class);
      assertThat(keys).hasValueLessThanOrEqualTo(WINDOW);
    }
    assertThat(breaker.getState()).isEqualTo(State.OPEN);
  }

  @Test
  void oneClaimTriesWhetherTheStoreIsBack() {
    open();
    flaky.down = false;
    breaker.transitionToHalfOpenState();
    assertThat(run(engine, "another")).isInstanceOf(Execution.Ran.class);
    assertThat(breaker.getState()).isEqualTo(State.CLOSED);
  }

  @Test
  void anOutcomeIsStoredAlthoughTheBreakerIsOpen() {
    Execution<String> answer =
        engine
            .operation("charge", String.class)
            .build()
            .execute(
                IdempotentRequest.of("order-42"),
                attempt -> {
                  breaker.transitionToOpenState();
                  return "done";
                });
    assertThat(answer).isEqualTo(new Execution.Ran<>("done", Recording.STORED));
  }

  @Test
  void anOutcomeTheStoreCannotTakeIsStoredWhenItCanAgainAlthoughTheBreakerIsOpen() {
    Execution<String> answer =
        engine
            .operation("charge", String.class)
            .build()
            .execute(
                IdempotentRequest.of("order-42"),
                attempt -> {
                  flaky.down = true;
                  breaker.transitionToForcedOpenState();
                  return "done";
                });
    assertThat(answer).isEqualTo(new Execution.Ran<>("done", Recording.PENDING));
    flaky.down = false;
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (flaky.completions.get() == 0 && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(1_000_000);
    }
    breaker.transitionToClosedState();
    assertThat(run(engine, "order-42")).isEqualTo(new Execution.Replayed<>("done"));
  }

  @Test
  void behindABreakerAnOutageCostsAFailoverNoCallsToThePrimary() {
    FailoverStore failover = new FailoverStore(store, new InMemoryStore());
    try (Idempotency idempotency = Idempotency.builder().store(failover).build()) {
      flaky.down = true;
      for (int i = 0; i < WINDOW; i++) {
        run(idempotency, "k" + i);
      }
      int before = flaky.calls.get();
      for (int i = 0; i < 100; i++) {
        assertThat(run(idempotency, "more" + i))
            .isEqualTo(new Execution.Ran<>("done", Recording.STORED));
      }
      assertThat(flaky.calls).hasValue(before);
      assertThat(failover.owed())
          .as("only what may have reached the primary")
          .isLessThanOrEqualTo(WINDOW);
    }
  }

  @Test
  void itCanDoWhatTheStoreCanDoAndNoMore() {
    InMemoryStore memory = new InMemoryStore();
    CircuitBreakerStore around = new CircuitBreakerStore(memory, breaker);
    assertThat(around.capability(ExpiredEntries.class)).containsSame(memory);
    assertThat(around.capability(CompletionSignal.class)).containsSame(memory);
    assertThat(around.capability(BatchClaims.class)).isPresent();
    assertThat(around.capability(BatchClaims.class).orElseThrow()).isNotSameAs(memory);
    assertThat(around.capability(InMemoryStore.class)).as("never past the breaker").isEmpty();

    assertThat(store.capability(ExpiredEntries.class)).isEmpty();
    assertThat(store.capability(CompletionSignal.class)).isEmpty();
    assertThat(store.capability(BatchClaims.class)).isEmpty();
    assertThat(store)
        .isNotInstanceOf(ExpiredEntries.class)
        .isNotInstanceOf(CompletionSignal.class)
        .isNotInstanceOf(BatchClaims.class);
  }

  @Test
  void aBatchIsOneCallThatIsHeldBackAndItsCompletionIsNot() {
    FlakyBatches batching = new FlakyBatches();
    CircuitBreakerStore around = new CircuitBreakerStore(batching, breaker);
    try (Idempotency idempotency = Idempotency.builder().store(around).build()) {
      Operation<String> operation = idempotency.operation("charge", String.class).build();
      List<IdempotentRequest> requests =
          List.of(IdempotentRequest.of("a"), IdempotentRequest.of("b"));
      operation.executeAll(
          requests,
          fresh -> {
            breaker.transitionToOpenState();
            return List.of("one", "two");
          });
      assertThat(batching.claimed).isEqualTo(1);
      assertThat(batching.completed).as("although the breaker is open").isEqualTo(1);
      List<IdempotentRequest> more = List.of(IdempotentRequest.of("c"), IdempotentRequest.of("d"));
      assertThatExceptionOfType(StoreNotAskedException.class)
          .isThrownBy(() -> operation.executeAll(more, BatchBody.each(item -> "no")));
      assertThat(batching.claimed).isEqualTo(1);
      breaker.transitionToClosedState();
      assertThat(operation.executeAll(requests, BatchBody.each(item -> "no")))
          .containsExactly(
              new ItemAnswer.Answered<>(new Execution.Replayed<>("one")),
              new ItemAnswer.Answered<>(new Execution.Replayed<>("two")));
    }
  }

  @Test
  void batchesThatFailOpenTheBreakerAndOnesThatAreTooLargeDoNot() {
    FlakyBatches batching = new FlakyBatches();
    BatchClaims batches =
        new CircuitBreakerStore(batching, breaker).capability(BatchClaims.class).orElseThrow();
    List<ClaimRequest> tooMany = Collections.nCopies(1_001, Requests.claimOf(Requests.newId()));
    for (int i = 0; i < 2 * WINDOW; i++) {
      assertThatIllegalArgumentException().isThrownBy(() -> batches.claimAll(tooMany));
    }
    assertThat(breaker.getState()).isEqualTo(State.CLOSED);
    batching.down = true;
    for (int i = 0; i < WINDOW; i++) {
      assertThatExceptionOfType(StoreUnavailableException.class)
          .isThrownBy(() -> batches.claimAll(List.of(Requests.claimOf(Requests.newId()))));
    }
    assertThat(breaker.getState()).isEqualTo(State.OPEN);
  }

  /** A store with batches, which are counted and may fail. */
  private static final class FlakyBatches implements IdempotencyStore, BatchClaims {
    private final InMemoryStore memory = new InMemoryStore();
    int claimed;
    int completed;
    boolean down;

    @Override
    public List<Claim> claimAll(List<ClaimRequest> requests) {
      claimed++;
      if (down) {
        throw new StoreUnavailableException("down", null);
      }
      return memory.claimAll(requests);
    }

    @Override
    public List<LeaseCheck> completeAll(List<Completion> completions) {
      completed++;
      return memory.completeAll(completions);
    }

    @Override
    public Claim claim(ClaimRequest request) {
      return memory.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return memory.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return memory.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return memory.renew(lease, leaseFor);
    }
  }

  private final class Flaky implements IdempotencyStore {
    private final InMemoryStore memory = new InMemoryStore();
    final AtomicInteger calls = new AtomicInteger();
    final AtomicInteger claims = new AtomicInteger();
    final AtomicInteger completions = new AtomicInteger();
    volatile boolean down;
    volatile Duration takes = Duration.ZERO;

    private <R> R act(AtomicInteger counter, Supplier<R> real) {
      calls.incrementAndGet();
      if (down) {
        counter.addAndGet(counter == claims ? 1 : 0);
        throw new StoreUnavailableException("down", null);
      }
      clock.addAndGet(takes.toNanos());
      R answer = real.get();
      counter.incrementAndGet();
      return answer;
    }

    @Override
    public Claim claim(ClaimRequest request) {
      return act(claims, () -> memory.claim(request));
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return act(completions, () -> memory.complete(lease, outcome, retention));
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return act(new AtomicInteger(), () -> memory.release(lease));
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return act(new AtomicInteger(), () -> memory.renew(lease, leaseFor));
    }
  }
}
