package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.Requests;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The caller's own transaction is as it was after every kind of batch. */
class BatchLockWaitTest extends SessionSettingCases {

  @Override
  void check(TestDatabase database, String setting, String show) {
    List<RecordId> ids = Stream.generate(Requests::newId).limit(40).toList();
    TransactionalStore rival = new JdbcTransactionalStore(database.dataSource());
    rival.inTransaction(scope -> claims(scope, ids.subList(0, 1)));
    database.age(ids.get(0), Requests.RETENTION.multipliedBy(2));
    rival.inTransaction(
        held -> {
          claims(held, ids.subList(20, 21));
          database.inTransaction(
              connection -> {
                TestDatabase.execute(connection, setting);
                String before = TestDatabase.text(connection, show);
                database
                    .joining(connection)
                    .inTransaction(
                        scope -> {
                          // New, repeated with one that expired, contended.
                          for (List<RecordId> batch :
                              List.of(ids.subList(1, 10), ids.subList(0, 10), ids)) {
                            claims(scope, batch);
                            assertThat(TestDatabase.text(connection, show)).isEqualTo(before);
                          }
                          return true;
                        });
                return true;
              });
          return true;
        });
  }

  private static List<Claim> claims(TransactionScope scope, List<RecordId> ids) {
    return scope.claimAllCompleted(
        ids.stream().map(Requests::claimOf).toList(), StoredOutcome.done(), Duration.ofMillis(50));
  }
}
