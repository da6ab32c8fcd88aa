package io.idem.caffeine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.Decision;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class CaffeineAnswerCacheTest {

  private static final RecordId ID = new RecordId(1, 1);
  private static final Claim.Completed ANSWER =
      new Claim.Completed(Fingerprint.of("10 EUR"), StoredOutcome.result(new byte[744]));

  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1_000); // it wraps
  private final CaffeineAnswerCache cache =
      new CaffeineAnswerCache(10_000, Duration.ofMinutes(10), clock::get);

  private void passes(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  @Test
  void anAnswerIsKeptForItsTimeAndNotLonger() {
    cache.put(ID, ANSWER, Duration.ofMinutes(2));
    passes(Duration.ofMinutes(2).minusNanos(1));
    assertThat(cache.get(ID)).isEqualTo(ANSWER);
    assertThat(cache.get(new RecordId(1, 2))).isNull();
    passes(Duration.ofNanos(1));
    assertThat(cache.get(ID)).isNull();
  }

  @Test
  void readingAnAnswerDoesNotProlongItsTime() {
    cache.put(ID, ANSWER, Duration.ofMinutes(2));
    for (int i = 0; i < 3; i++) {
      passes(Duration.ofSeconds(40));
      cache.get(ID);
    }
    assertThat(cache.get(ID)).isNull();
  }

  @Test
  void noAnswerOutlivesTheLongestAge() {
    cache.put(ID, ANSWER, Duration.ofSeconds(Long.MAX_VALUE));
    passes(Duration.ofMinutes(10));
    assertThat(cache.get(ID)).isNull();
  }

  @Test
  void itHoldsNoMoreBytesThanItMay() {
    for (int i = 0; i < 1_000; i++) {
      cache.put(new RecordId(2, i), ANSWER, Duration.ofMinutes(1));
    }
    assertThat(cache.size()).as("answers of 744 + 256 bytes in 10,000").isBetween(1L, 10L);
  }

  @Test
  void anAnswerLargerThanTheCacheIsNotKept() {
    cache.put(ID, ANSWER, Duration.ofMinutes(1));
    Claim.Completed large =
        new Claim.Completed(Fingerprint.NONE, StoredOutcome.result(new byte[10_000]));
    cache.put(new RecordId(3, 3), large, Duration.ofMinutes(1));
    assertThat(cache.get(new RecordId(3, 3))).isNull();
    assertThat(cache.get(ID)).isEqualTo(ANSWER);
  }

  @Test
  void boundsMustBePositive() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CaffeineAnswerCache(0, Duration.ofMinutes(1)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CaffeineAnswerCache(1, Duration.ZERO));
  }

  @Test
  void aReplayFromTheCacheAsksNoStoreUntilItsTimeIsOver() {
    Counting store = new Counting();
    List<Decision> decisions = new ArrayList<>();
    try (Idempotency idempotency =
        Idempotency.builder()
            .store(store)
            .answerCache(cache)
            .listener(event -> decisions.add(event.decision()))
            .build()) {
      Operation<String> charge =
          idempotency.operation("charge", String.class).retention(Duration.ofHours(1)).build();
      IdempotentRequest request = IdempotentRequest.of("order-42").comparing("10 EUR");
      charge.execute(request, attempt -> "done");
      assertThat(charge.execute(request, attempt -> "never"))
          .isEqualTo(new Execution.Replayed<>("done"));
      assertThat(store.claims).hasValue(1);
      passes(Duration.ofMinutes(10));
      assertThat(charge.execute(request, attempt -> "never"))
          .isEqualTo(new Execution.Replayed<>("done"));
      assertThat(store.claims).hasValue(2);
    }
    assertThat(decisions).containsExactly(Decision.RAN, Decision.REPLAYED, Decision.REPLAYED);
  }

  private static final class Counting implements IdempotencyStore {
    private final InMemoryStore store = new InMemoryStore();
    final AtomicInteger claims = new AtomicInteger();

    @Override
    public Claim claim(ClaimRequest request) {
      claims.incrementAndGet();
      return store.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return store.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return store.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return store.renew(lease, leaseFor);
    }
  }
}
