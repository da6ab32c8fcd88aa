package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a key without an answer takes on PostgreSQL. */
class StorageTest {

  private static final int BATCHES = 20;

  private final TestDatabase database = TestDatabase.postgresql();
  private final JdbcTransactionalStore store = new JdbcTransactionalStore(database.dataSource());

  @Test
  void keyWithoutAnAnswerOrAFingerprintTakesLessThan130Bytes() {
    for (int batch = 0; batch < BATCHES; batch++) {
      store.inTransaction(
          scope ->
              scope.claimAllCompleted(
                  Stream.generate(StorageTest::withoutFingerprint).limit(1000).toList(),
                  StoredOutcome.done(),
                  Duration.ZERO));
    }
    database.execute("VACUUM idem_record");

    int bytes = database.number("SELECT pg_total_relation_size('idem_record')");
    // Before 13, equal values of the purge's index have an entry each.
    double most = database.isAtLeast(13) ? 130.0 : 145.0;
    assertThat(bytes / (BATCHES * 1000.0)).isBetween(100.0, most);
  }

  private static ClaimRequest withoutFingerprint() {
    return Requests.with(Requests.claimOf(Requests.newId()), Fingerprint.NONE);
  }

  @Test
  void expiryIsOfFewValuesAndNoSooner() {
    store.inTransaction(
        scope ->
            scope.claimCompleted(
                Requests.claimOf(Requests.newId()), StoredOutcome.done(), Duration.ZERO));
    store.inTransaction(
        scope ->
            scope.claimAllCompleted(
                Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(2).toList(),
                StoredOutcome.done(),
                Duration.ZERO));

    // Equal values share an entry of the purge's index, whichever statement made them.
    assertThat(database.number("SELECT count(*) FROM idem_record WHERE expires_at % 1024 = 1023"))
        .isEqualTo(3);
    long now = Long.parseLong(database.text("SELECT extract(epoch FROM now()) :: bigint")) * 1000;
    assertThat(Long.parseLong(database.text("SELECT min(expires_at) FROM idem_record")))
        .isGreaterThan(now + Requests.RETENTION.toMillis() - 60_000);
  }
}
