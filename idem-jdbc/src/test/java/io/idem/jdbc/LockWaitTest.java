package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The caller's own transaction is as it was after every kind of claim. */
class LockWaitTest extends SessionSettingCases {

  private static final Duration SHORT = Duration.ofMillis(50);

  /** In a caller's transaction, and in one of Idem's own on a session with the setting. */
  @Override
  void check(TestDatabase database, String setting, String show) {
    inOwnTransaction(database, setting, show);
    inCallersTransaction(database, setting, show);
  }

  private static void inOwnTransaction(TestDatabase database, String setting, String show) {
    RecordId elsewhere = Requests.newId();
    database.transactional().inTransaction(scope -> inbox(scope, elsewhere));
    DataSource set =
        (DataSource)
            Proxy.newProxyInstance(
                LockWaitTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, args) -> {
                  Connection connection = database.dataSource().getConnection();
                  TestDatabase.execute(connection, setting);
                  return connection;
                });
    Map<RecordId, Class<? extends Claim>> expected =
        Map.of(Requests.newId(), Claim.Acquired.class, elsewhere, Claim.Completed.class);
    expected.forEach(
        (id, answer) ->
            database
                .transactional(set)
                .inTransaction(
                    scope -> {
                      assertThat(inbox(scope, id)).isInstanceOf(answer);
                      assertThat(TestDatabase.text(scope.unwrap(Connection.class), show))
                          .isEqualTo(shown(set, show));
                      return true;
                    }));
  }

  private static String shown(DataSource source, String show) {
    try (Connection connection = source.getConnection()) {
      return TestDatabase.text(connection, show);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private static void inCallersTransaction(TestDatabase database, String setting, String show) {
    RecordId free = Requests.newId();
    RecordId busy = Requests.newId();
    RecordId stale = Requests.newId();
    RecordId elsewhere = Requests.newId();
    TransactionalStore rival = database.transactional();
    rival.inTransaction(scope -> inbox(scope, stale));
    rival.inTransaction(scope -> inbox(scope, elsewhere));
    database.age(stale, Requests.RETENTION.multipliedBy(2));
    rival.inTransaction(
        held -> {
          inbox(held, busy);
          database.inTransaction(
              connection -> {
                TestDatabase.execute(connection, setting);
                String before = TestDatabase.text(connection, show);
                database
                    .joining(connection)
                    .inTransaction(
                        scope -> {
                          assertThat(inbox(scope, free)).isInstanceOf(Claim.Acquired.class);
                          assertThat(TestDatabase.text(connection, show)).isEqualTo(before);
                          assertThat(inbox(scope, free)).isInstanceOf(Claim.Completed.class);
                          assertThat(TestDatabase.text(connection, show)).isEqualTo(before);
                          assertThat(inbox(scope, elsewhere)).isInstanceOf(Claim.Completed.class);
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
  @EnumSource(names = {"H2", "POSTGRESQL", "MARIADB"})
  void stricterIsolationIsAConflictThatCanBeRolledBack(Backend backend) {
    TestDatabase database = backend.prepared();
    assumeTrue(backend.refusesWhatIsNewer(), "innodb_snapshot_isolation");
    RecordId id = Requests.newId();
    database.inTransaction(
        connection -> {
          behind(database, connection, id);

          assertThatThrownBy(
                  () -> database.joining(connection).inTransaction(scope -> inbox(scope, id)))
              .isInstanceOf(StoreConflictException.class);
          return false;
        });
  }

  /** Where InnoDB lets a transaction lock what is newer than its snapshot, it is seen. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"H2", "POSTGRESQL", "MARIADB"})
  void rivalsCommitIsSeenBehindTheSnapshot(Backend backend) {
    TestDatabase database = backend.prepared();
    RecordId id = Requests.newId();
    database.inTransaction(
        connection -> {
          behind(database, connection, id);
          assertThat(TestDatabase.text(connection, "SELECT count(*) FROM idem_record"))
              .isEqualTo("0");

          Claim claim = database.joining(connection).inTransaction(scope -> inbox(scope, id));
          assertThat(claim).isInstanceOf(Claim.Completed.class);
          return true;
        });
  }

  /** What a claim reads leaves no snapshot that the caller's own reads would be bound to. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"H2", "POSTGRESQL"})
  void claimTakesNoSnapshotForItsCaller(Backend backend) {
    TestDatabase database = backend.prepared();
    RecordId id = Requests.newId();
    TransactionalStore rival = database.transactional();
    rival.inTransaction(scope -> inbox(scope, id));
    database.inTransaction(
        connection -> {
          setRepeatableRead(connection);
          TransactionalStore joining = database.joining(connection);
          // The first is of a record that this store has not met, the second of one that it has.
          for (int claims = 1; claims <= 2; claims++) {
            Claim claim = joining.inTransaction(scope -> inbox(scope, id));
            assertThat(claim).isInstanceOf(Claim.Completed.class);
            database.execute("INSERT INTO effect (name) VALUES ('" + Requests.newId() + "')");
          }
          assertThat(TestDatabase.text(connection, "SELECT count(*) FROM effect")).isEqualTo("2");
          return true;
        });
  }

  private static void setRepeatableRead(Connection connection) {
    try {
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** Takes a snapshot in which a record, committed by somebody else afterwards, is not yet. */
  private static void behind(TestDatabase database, Connection connection, RecordId id) {
    setRepeatableRead(connection);
    TestDatabase.text(connection, "SELECT count(*) FROM idem_record");
    database.transactional().inTransaction(scope -> inbox(scope, id));
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

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
  void statementThatHangsIsGivenUp(Backend backend) {
    TestDatabase database = backend.prepared();
    JdbcIdempotencyStore store =
        new JdbcIdempotencyStore(
            database.dataSource(),
            backend.dialect(),
            JdbcSettings.defaults().withQueryTimeout(Duration.ofSeconds(1)));
    Claim.Acquired claim = (Claim.Acquired) store.claim(Requests.claimOf(Requests.newId()));
    database.inTransaction(
        connection -> {
          TestDatabase.execute(
              connection,
              backend.isInnoDb()
                  ? "SELECT id FROM idem_record FOR UPDATE"
                  : "LOCK TABLE idem_record IN ACCESS EXCLUSIVE MODE");
          Together.run(
              List.<Callable<Boolean>>of(
                  () -> {
                    long start = System.nanoTime();
                    assertThatThrownBy(
                            () ->
                                store.complete(
                                    claim.lease(), StoredOutcome.done(), Requests.RETENTION))
                        .hasMessageContaining("Completing record");
                    assertThat(Duration.ofNanos(System.nanoTime() - start))
                        .isLessThan(Duration.ofSeconds(20));
                    return true;
                  }));
          return false;
        });
  }

  private static Claim inbox(TransactionScope scope, RecordId id) {
    return HeldKey.inbox(scope, id, SHORT);
  }
}
