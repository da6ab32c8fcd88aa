package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What operations take from their engine. */
class EngineDefaultsTest {

  @Test
  void operationsTakeTheirTimesFromTheEngineUnlessTheySayOtherwise() {
    RecordingStore store = new RecordingStore(new InMemoryStore(), new ArrayList<>());
    try (Idempotency engine =
        Idempotency.builder()
            .store(store)
            .retention(Duration.ofMinutes(3))
            .lease(Duration.ofSeconds(7))
            .waitAtMost(Duration.ZERO)
            .build()) {
      engine.operation("like the engine").build().execute("k", () -> null);
      engine
          .operation("by itself")
          .retention(Duration.ofHours(1))
          .lease(Duration.ofSeconds(9))
          .build()
          .execute("k", () -> null);
    }
    assertThat(store.claims.stream().map(ClaimRequest::retention))
        .containsExactly(Duration.ofMinutes(3), Duration.ofHours(1));
    assertThat(store.claims.stream().map(ClaimRequest::leaseFor))
        .containsExactly(Duration.ofSeconds(7), Duration.ofSeconds(9));
  }

  @Test
  void timesThatCannotBeAreRefused() {
    Idempotency.Builder builder = Idempotency.builder();
    assertThatIllegalArgumentException().isThrownBy(() -> builder.retention(Duration.ZERO));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.lease(Duration.ofMillis(99)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.waitAtMost(Duration.ofMillis(-1)));
  }

  private record RecordingStore(IdempotencyStore real, List<ClaimRequest> claims)
      implements IdempotencyStore {

    @Override
    public Claim claim(ClaimRequest request) {
      claims.add(request);
      return real.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return real.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return real.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return real.renew(lease, leaseFor);
    }
  }
}
