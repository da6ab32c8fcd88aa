package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A purge beside others on PostgreSQL. */
class PostgresPurgeTest {

  private final TestDatabase database = TestDatabase.postgresql();
  private final JdbcIdempotencyStore store = new JdbcIdempotencyStore(database.dataSource());

  @Test
  void lockedRowsAreSkippedAndReported() {
    List<RecordId> ids = Stream.generate(Requests::newId).limit(5).toList();
    new JdbcTransactionalStore(database.dataSource())
        .inTransaction(
            scope ->
                scope.claimAllCompleted(
                    ids.stream().map(Requests::claimOf).toList(),
                    StoredOutcome.done(),
                    Duration.ZERO));
    ids.forEach(id -> database.age(id, Requests.RETENTION.plusHours(2)));

    database.inTransaction(
        connection -> {
          TestDatabase.text(
              connection, "SELECT id FROM idem_record WHERE id = '" + ids.get(2) + "' FOR UPDATE");
          assertThat(store.purgeExpired(1000)).isEqualTo(4);
          assertThat(store.purgeLag().orElseThrow()).isGreaterThan(Duration.ofHours(1));
          return true;
        });

    assertThat(store.purgeExpired(1000)).isEqualTo(1);
    assertThat(store.purgeLag()).contains(Duration.ZERO);
  }

  @Test
  void storesOfOneTableHaveOnePurgeTarget() {
    Object target = store.purgeTarget();
    assertThat(new JdbcTransactionalStore(database.dataSource()).purgeTarget()).isEqualTo(target);
    JdbcSettings other = JdbcSettings.defaults().withTable("other_record");
    assertThat(new JdbcIdempotencyStore(database.dataSource(), other).purgeTarget())
        .isNotEqualTo(target);
  }
}
