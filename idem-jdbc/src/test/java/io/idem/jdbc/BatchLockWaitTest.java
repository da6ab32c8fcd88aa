package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.Requests;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The caller's own transaction is as it was after every kind of batch. */
class BatchLockWaitTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"SET lock_timeout = '7s'", "SET LOCAL lock_timeout = '8s'", "SELECT 'default'"})
  void lockTimeoutIsWhatItWasOnPostgres(String setting) {
    check(TestDatabase.postgresql(), setting, "SHOW lock_timeout");
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"H2", "POSTGRESQL"})
  void lockTimeoutIsWhatItWasOnMariaDbAndMySql(Backend backend) {
    for (String setting : List.of("SET innodb_lock_wait_timeout = 7", "DO 'default'")) {
      check(backend.prepared(), setting, "SELECT @@SESSION.innodb_lock_wait_timeout");
    }
  }

  @Test
  void lockTimeoutIsWhatItWasOnH2() {
    check(TestDatabase.h2(), "SET LOCK_TIMEOUT 1234", "SELECT LOCK_TIMEOUT()");
  }

  private static void check(TestDatabase database, String setting, String show) {
    List<RecordId> ids = Stream.generate(Requests::newId).limit(40).toList();
    TransactionalStore rival = new JdbcTransactionalStore(database.dataSource());
    rival.inTransaction(scope -> claims(scope, ids.subList(0, 1)));
    database.age(ids.get(0), Requests.RETENTION.multipliedBy(2));
    rival.inTransaction(
        held -> {
          claims(held, ids.subList(20, 21));
          database.inTransaction(
              connection -> {
                execute(connection, setting);
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

  private static void execute(Connection connection, String sql) {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
