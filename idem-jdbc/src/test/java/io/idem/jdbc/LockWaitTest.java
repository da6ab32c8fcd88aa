package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The caller's own transaction is as it was after every kind of claim. */
class LockWaitTest {

  private static final Duration SHORT = Duration.ofMillis(50);

  @ParameterizedTest
  @ValueSource(
      strings = {"SET lock_timeout = '7s'", "SET LOCAL lock_timeout = '8s'", "SELECT 'default'"})
  void lockTimeoutIsWhatItWasOnPostgres(String setting) {
    TestDatabase database = TestDatabase.postgresql();
    check(database, setting, "SHOW lock_timeout");
  }

  @Test
  void lockTimeoutIsWhatItWasOnH2() {
    check(TestDatabase.h2(), "SET LOCK_TIMEOUT 1234", "SELECT LOCK_TIMEOUT()");
  }

  private static void check(TestDatabase database, String setting, String show) {
    RecordId free = Requests.newId();
    RecordId busy = Requests.newId();
    RecordId stale = Requests.newId();
    TransactionalStore rival = new JdbcTransactionalStore(database.dataSource());
    rival.inTransaction(scope -> inbox(scope, stale));
    database.age(stale, Requests.RETENTION.multipliedBy(2));
    rival.inTransaction(
        held -> {
          inbox(held, busy);
          database.inTransaction(
              connection -> {
                execute(connection, setting);
                String before = TestDatabase.text(connection, show);
                database
                    .joining(connection)
                    .inTransaction(
                        scope -> {
                          assertThat(inbox(scope, free)).isInstanceOf(Claim.Acquired.class);
                          assertThat(TestDatabase.text(connection, show)).isEqualTo(before);
                          assertThat(inbox(scope, free)).isInstanceOf(Claim.Completed.class);
                          assertThat(TestDatabase.text(connection, show)).isEqualTo(before);
                          assertThat(inbox(scope, stale)).isInstanceOf(Claim.Acquired.class);
                          assertThat(TestDatabase.text(connection, show)).isEqualTo(before);
                          assertThat(inbox(scope, busy)).isInstanceOf(Claim.Running.class);
                          assertThat(TestDatabase.text(connection, show)).isEqualTo(before);
                          return true;
                        });
                return true;
              });
          return true;
        });
  }

  @ParameterizedTest
  @EnumSource
  void stricterIsolationIsAConflictThatCanBeRolledBack(Dialect dialect) {
    TestDatabase database = dialect == Dialect.H2 ? TestDatabase.h2() : TestDatabase.postgresql();
    RecordId id = Requests.newId();
    database.inTransaction(
        connection -> {
          try {
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
          } catch (SQLException e) {
            throw new AssertionError(e);
          }
          TestDatabase.text(connection, "SELECT count(*) FROM idem_record");
          new JdbcTransactionalStore(database.dataSource())
              .inTransaction(scope -> inbox(scope, id));

          assertThatThrownBy(
                  () -> database.joining(connection).inTransaction(scope -> inbox(scope, id)))
              .isInstanceOf(StoreConflictException.class);
          return false;
        });
  }

  @Test
  void autocommitHasNoTransactionToJoin() throws SQLException {
    TestDatabase database = TestDatabase.h2();
    try (Connection connection = database.dataSource().getConnection()) {
      assertThatThrownBy(() -> database.joining(connection).inTransaction(scope -> true))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("setAutoCommit(false)");
    }
  }

  @Test
  void statementThatHangsIsGivenUp() {
    TestDatabase database = TestDatabase.postgresql();
    JdbcIdempotencyStore store =
        new JdbcIdempotencyStore(
            database.dataSource(), JdbcSettings.defaults().withQueryTimeout(Duration.ofSeconds(1)));
    Claim.Acquired claim = (Claim.Acquired) store.claim(Requests.claimOf(Requests.newId()));
    database.inTransaction(
        connection -> {
          execute(connection, "LOCK TABLE idem_record IN ACCESS EXCLUSIVE MODE");
          Together.run(
              List.<Callable<Boolean>>of(
                  () -> {
                    assertThatThrownBy(
                            () ->
                                store.complete(
                                    claim.lease(), StoredOutcome.done(), Requests.RETENTION))
                        .hasMessageContaining("Completing record");
                    return true;
                  }));
          return false;
        });
  }

  private static Claim inbox(io.idem.core.store.TransactionScope scope, RecordId id) {
    return scope.claimCompleted(Requests.claimOf(id), StoredOutcome.done(), SHORT);
  }

  private static void execute(Connection connection, String sql) {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
