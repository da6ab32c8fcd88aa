package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.StoredOutcome;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What asynchronous followers are told. */
class FlightTest {

  private final Flight flight = Flight.ofNoThread();
  private final AtomicInteger told = new AtomicInteger();
  private final Runnable follower = told::incrementAndGet;

  @Test
  void aFollowerIsToldOfTheOwnerOnceAndOfTheEnd() {
    flight.attach(follower);
    flight.ownedBy(Fingerprint.of("request"));
    flight.ownedBy(Fingerprint.of("request"));
    assertThat(told).hasValue(1);
    flight.end();
    flight.end();
    assertThat(told).hasValue(2);
    assertThat(flight.outcome()).isNull();
  }

  @Test
  void aFollowerThatGaveUpIsForgottenWhileTheLeaderGoesOn() {
    flight.attach(() -> {});
    flight.attach(follower);
    flight.detach(follower);
    flight.land(new Claim.Completed(Fingerprint.of("request"), StoredOutcome.done()));
    flight.end();
    assertThat(told).hasValue(0);
    assertThat(flight.outcome()).isNotNull();
  }

  @Test
  void noThreadLeadsIt() {
    assertThat(flight.isLedByThisThread()).isFalse();
    assertThat(Flight.ofThisThread().isLedByThisThread()).isTrue();
  }
}
