package io.idem.jdbc.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.OwnerToken;
import io.idem.testkit.Requests;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class KeptRecordsTest {

  private static final Duration LEASE = Duration.ofSeconds(20);
  private static final Duration RETENTION = Duration.ofHours(1);

  private final KeptRecords records = new KeptRecords();

  @Test
  void isTakenOnceByItsToken() {
    KeptRecord record = KeptRecord.of(request(new OwnerToken(1, 1)));
    records.put(record);
    assertThat(records.take(new OwnerToken(2, 1))).isNull();
    assertThat(records.take(new OwnerToken(1, 1))).isSameAs(record);
    assertThat(records.take(new OwnerToken(1, 1))).isNull();
  }

  @Test
  void laterOneTakesThePlace() {
    OwnerToken first = new OwnerToken(1, 1);
    OwnerToken later = new OwnerToken(1, 1 + (1 << 14));
    records.put(KeptRecord.of(request(first)));
    records.put(KeptRecord.of(request(later)));
    assertThat(records.take(first)).isNull();
    assertThat(records.take(later)).isNotNull();
  }

  /**
   * A machine that sleeps has one clock that stands still; a clock that is set back is no clock.
   */
  @Test
  void coversHalfOfTheLeaseByEitherClock() {
    ClaimRequest request = request(new OwnerToken(1, 1));
    KeptRecord record = KeptRecord.of(request);
    Lease lease = new Lease(request.id(), request.token(), 1);
    long nanos = System.nanoTime();
    long millis = System.currentTimeMillis();
    long later = LEASE.dividedBy(2).plusMillis(1).toMillis();
    assertThat(record.covers(lease, RETENTION)).isTrue();
    assertThat(record.covers(lease, RETENTION, nanos, millis - 1_000_000)).isTrue();
    assertThat(record.covers(lease, RETENTION, nanos, millis + later)).isFalse();
    assertThat(record.covers(lease, RETENTION, nanos + later * 1_000_000, millis)).isFalse();
  }

  @Test
  void coversNothingElse() {
    ClaimRequest request = request(new OwnerToken(1, 1));
    KeptRecord record = KeptRecord.of(request);
    Lease ofOther = new Lease(Requests.newId(), request.token(), 1);
    Lease byOther = new Lease(request.id(), new OwnerToken(1, 2), 1);
    Lease lease = new Lease(request.id(), request.token(), 1);
    assertThat(record.covers(ofOther, RETENTION)).isFalse();
    assertThat(record.covers(byOther, RETENTION)).isFalse();
    assertThat(record.covers(lease, RETENTION.plusNanos(1))).isFalse();
  }

  private static ClaimRequest request(OwnerToken token) {
    ClaimRequest any = Requests.claimOf(Requests.newId());
    return new ClaimRequest(
        any.id(), any.label(), any.fingerprint(), token, LEASE, RETENTION, false);
  }
}
