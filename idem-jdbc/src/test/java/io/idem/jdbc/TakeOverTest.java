package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.testkit.Requests;
import org.junit.jupiter.api.Test;

/** A take-over whose record goes away in the middle of it. */
class TakeOverTest {

  /** Who has none takes over for the record's own request, but begins a record of its own. */
  @Test
  void fingerprintOfARecordThatWentAwayIsNotKept() {
    TestDatabase database = TestDatabase.h2();
    CountingDataSource pool = database.counting(1, true);
    JdbcIdempotencyStore store = new JdbcIdempotencyStore(pool);
    ClaimRequest first = Requests.claimOf(Requests.newId());
    assertThat(store.claim(first)).isInstanceOf(Claim.Acquired.class);
    database.execute("UPDATE idem_record SET lease_until = 0");
    pool.before("UPDATE", () -> database.execute("DELETE FROM idem_record"));
    ClaimRequest other =
        new ClaimRequest(
            first.id(),
            first.label(),
            Fingerprint.NONE,
            Requests.newToken(),
            first.leaseFor(),
            first.retention(),
            true);
    assertThat(store.claim(other)).isInstanceOf(Claim.Acquired.class);
    assertThat(database.number("SELECT COUNT(*) FROM idem_record WHERE fingerprint IS NULL"))
        .isEqualTo(1);
  }
}
