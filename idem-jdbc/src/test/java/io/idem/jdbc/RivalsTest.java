package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.testkit.Requests;
import io.idem.testkit.TestMariaDb;
import io.idem.testkit.Together;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Transactions that meet at one key while its holder rolls back, or that the database picks off.
 */
class RivalsTest {

  private static final Duration LONG = Duration.ofSeconds(30);
  private static final int WAITERS = 8;

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
  void oneOfManyWaitersWinsWhenTheHolderRollsBack(Backend backend) {
    TestDatabase database = backend.prepared();
    RecordId id = Requests.newId();
    JdbcTransactionalStore store = database.transactional();

    List<Claim> answers =
        afterRollback(
            database, id, () -> store.inTransaction(scope -> claimAndWrite(database, scope, id)));

    assertThat(answers).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
    assertThat(answers).filteredOn(Claim.Completed.class::isInstance).hasSize(WAITERS - 1);
    assertThat(database.effects(id)).isEqualTo(1);
  }

  /**
   * A victim in a transaction of the caller's: InnoDB rolled back all of it, so that the claim can
   * neither be repeated nor its failure be hidden.
   */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"H2", "POSTGRESQL"})
  void victimsInTheCallersTransactionAreTold(Backend backend) {
    TestDatabase database = backend.prepared();
    RecordId id = Requests.newId();
    RecordId before = Requests.newId();

    List<String> answers =
        afterRollback(
            database,
            id,
            () -> {
              List<String> answer = new ArrayList<>();
              database.inTransaction(
                  connection -> {
                    TestDatabase.execute(
                        connection, "INSERT INTO effect VALUES ('" + before + "')");
                    try {
                      Claim claim =
                          database
                              .joining(connection)
                              .inTransaction(scope -> claimAndWrite(database, scope, id));
                      answer.add(claim.getClass().getSimpleName());
                    } catch (StoreConflictException e) {
                      answer.add("victim");
                    }
                    // The worst that a caller can do: go on as if nothing had happened.
                    return true;
                  });
              return answer.get(0);
            });

    assertThat(answers).filteredOn("Acquired"::equals).hasSize(1);
    assertThat(answers).contains("victim");
    int unharmed = WAITERS - Collections.frequency(answers, "victim");
    assertThat(database.effects(before)).isEqualTo(unharmed);
    assertThat(database.effects(id)).isEqualTo(1);
  }

  /** A body that hides its own deadlock has lost its claim, and must not commit the rest. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"H2", "POSTGRESQL"})
  void completionAfterAHiddenDeadlockIsLost(Backend backend) {
    TestDatabase database = backend.prepared();
    RecordId id = Requests.newId();
    database.execute("CREATE TABLE account (id INT PRIMARY KEY, n INT)");
    database.execute("INSERT INTO account VALUES (1, 0), (2, 0)");
    CountDownLatch bothHoldOne = new CountDownLatch(2);

    Callable<Boolean> victim =
        () -> {
          database
              .transactional()
              .inTransaction(
                  scope -> {
                    Claim.Acquired claim = (Claim.Acquired) scope.claim(Requests.claimOf(id), LONG);
                    Connection connection = scope.unwrap(Connection.class);
                    TestDatabase.execute(connection, "UPDATE account SET n = n + 1 WHERE id = 1");
                    bothHoldOne.countDown();
                    Together.await(bothHoldOne);
                    try (Statement statement = connection.createStatement()) {
                      statement.execute("UPDATE account SET n = n + 1 WHERE id = 2");
                      throw new AssertionError("The database picked the other one");
                    } catch (SQLException hidden) {
                      assertThat(hidden.getErrorCode()).isEqualTo(1213);
                    }
                    database.write(scope, id);
                    assertThat(
                            scope
                                .complete(claim.lease(), StoredOutcome.done(), Requests.RETENTION)
                                .name())
                        .isEqualTo("LOST");
                    scope.setRollbackOnly();
                    return true;
                  });
          return true;
        };
    Callable<Boolean> rival =
        () -> {
          database.inTransaction(
              connection -> {
                // The one that changed more rows survives.
                for (int i = 0; i < 20; i++) {
                  TestDatabase.execute(connection, "INSERT INTO effect VALUES ('rival')");
                }
                TestDatabase.execute(connection, "UPDATE account SET n = n + 1 WHERE id = 2");
                bothHoldOne.countDown();
                Together.await(bothHoldOne);
                TestDatabase.execute(connection, "UPDATE account SET n = n + 1 WHERE id = 1");
                return true;
              });
          return true;
        };
    Together.run(List.of(victim, rival));

    assertThat(database.effects(id)).isZero();
    assertThat(database.number("SELECT count(*) FROM idem_record")).isZero();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
  void waitingBatchesInTransactionsOfTheirOwnBeginAgain(Backend backend) {
    TestDatabase database = backend.prepared();
    JdbcTransactionalStore store = database.transactional();
    List<RecordId> ids = Stream.generate(Requests::newId).limit(20).sorted().toList();

    List<Integer> fresh =
        afterRollback(
            database,
            ids.get(10),
            () -> store.inTransaction(scope -> claimAndWriteAll(database, scope, ids)));

    assertThat(fresh.stream().mapToInt(Integer::intValue).sum()).isEqualTo(ids.size());
    ids.forEach(id -> assertThat(database.effects(id)).isEqualTo(1));
  }

  /** As for a single claim: victims are told, and nothing of theirs is there. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
  void waitingBatchesInTheCallersTransactionAreWholeOrTold(Backend backend) {
    TestDatabase database = backend.prepared();
    List<RecordId> ids = Stream.generate(Requests::newId).limit(20).sorted().toList();

    List<Integer> fresh =
        afterRollback(
            database,
            ids.get(10),
            () -> {
              int[] mine = {0};
              database.inTransaction(
                  connection -> {
                    try {
                      mine[0] =
                          database
                              .joining(connection)
                              .inTransaction(scope -> claimAndWriteAll(database, scope, ids));
                    } catch (StoreConflictException e) {
                      mine[0] = 0;
                    }
                    return true;
                  });
              return mine[0];
            });

    assertThat(fresh.stream().mapToInt(Integer::intValue).sum()).isEqualTo(ids.size());
    ids.forEach(id -> assertThat(database.effects(id)).isEqualTo(1));
  }

  private static int claimAndWriteAll(
      TestDatabase database, TransactionScope scope, List<RecordId> ids) {
    List<Claim> claims =
        scope.claimAllCompleted(
            ids.stream().map(Requests::claimOf).toList(), StoredOutcome.done(), LONG);
    int fresh = 0;
    for (int i = 0; i < ids.size(); i++) {
      if (claims.get(i) instanceof Claim.Acquired) {
        database.write(scope, ids.get(i));
        fresh++;
      }
    }
    return fresh;
  }

  /** A batch's statement on MariaDB is a transaction, and may be killed in the middle of it. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"H2", "POSTGRESQL"})
  void killedBatchLeavesNoTransactionInThePool(Backend backend) throws SQLException {
    TestDatabase database = backend.prepared();
    HikariConfig config = new HikariConfig();
    config.setDataSource(database.dataSource());
    config.setMaximumPoolSize(1);
    try (HikariDataSource pool = new HikariDataSource(config);
        Connection locking = database.dataSource().getConnection()) {
      JdbcIdempotencyStore store = database.leased(pool);
      List<ClaimRequest> batch =
          Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(5).toList();
      TestDatabase.execute(locking, "LOCK TABLES idem_record WRITE");
      boolean failed =
          Together.runWhile(
              () -> {
                assertThatThrownBy(() -> store.claimAll(batch))
                    .isInstanceOf(StoreUnavailableException.class);
                return true;
              },
              () -> Together.await("the batch to wait", () -> killsWhatWaits(locking)));
      TestDatabase.execute(locking, "UNLOCK TABLES");

      assertThat(failed).isTrue();
      assertThat(store.claim(batch.get(0))).isInstanceOf(Claim.Acquired.class);
      assertThat(database.number("SELECT count(*) FROM idem_record")).isEqualTo(1);
    }
  }

  private static boolean killsWhatWaits(Connection connection) {
    try (Statement statement = connection.createStatement();
        ResultSet processes = statement.executeQuery("SHOW PROCESSLIST")) {
      while (processes.next()) {
        boolean waits = String.valueOf(processes.getString("State")).contains("metadata lock");
        if (waits && connection.getCatalog().equals(processes.getString("db"))) {
          TestDatabase.execute(connection, "KILL QUERY " + processes.getLong("Id"));
          return true;
        }
      }
      return false;
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** A server with a setting that only its command line can give it; started when it is needed. */
  private static final class RollsBackOnTimeout {
    static final TestMariaDb SERVER = TestMariaDb.started("--innodb-rollback-on-timeout");
  }

  /** Where a lock timeout rolls everything back, a batch must not run into one. */
  @Test
  void leasedBatchGoesKeyByKeyWhereALockTimeoutRollsEverythingBack() {
    TestDatabase database =
        new TestDatabase(RollsBackOnTimeout.SERVER.newDatabase(), Dialect.MARIADB).prepared();
    List<RecordId> ids = Stream.generate(Requests::newId).limit(6).sorted().toList();
    database
        .transactional()
        .inTransaction(
            held -> {
              claimAndWrite(database, held, ids.get(3));
              List<Claim> claims =
                  database.leased().claimAll(ids.stream().map(Requests::claimOf).toList());
              for (int i = 0; i < 6; i++) {
                assertThat(claims.get(i))
                    .isInstanceOf(i == 3 ? Claim.Running.class : Claim.Acquired.class);
              }
              return true;
            });
    assertThat(database.number("SELECT count(*) FROM idem_record")).isEqualTo(6);
  }

  @Test
  void lockTimeoutThatRollsEverythingBackIsAConflict() {
    TestDatabase database =
        new TestDatabase(RollsBackOnTimeout.SERVER.newDatabase(), Dialect.MARIADB).prepared();
    RecordId busy = Requests.newId();
    RecordId before = Requests.newId();
    database
        .transactional()
        .inTransaction(
            held -> {
              claimAndWrite(database, held, busy);
              database.inTransaction(
                  connection -> {
                    assertThatThrownBy(
                            () ->
                                database
                                    .joining(connection)
                                    .inTransaction(
                                        scope -> {
                                          database.write(scope, before);
                                          return scope.claim(Requests.claimOf(busy), Duration.ZERO);
                                        }))
                        .isInstanceOf(StoreConflictException.class)
                        .hasStackTraceContaining("innodb_rollback_on_timeout");
                    return true;
                  });
              Claim alone =
                  database
                      .transactional()
                      .inTransaction(scope -> scope.claim(Requests.claimOf(busy), Duration.ZERO));
              assertThat(alone).isInstanceOf(Claim.Running.class);
              return true;
            });

    assertThat(database.effects(before)).isZero();
  }

  /** InnoDB rolls back to no savepoint of a transaction that it has rolled back itself. */
  @Test
  void ownerOfAJoinedTransactionIsToldOfAHiddenRollback() {
    TestDatabase database = Backend.MARIADB.prepared();
    RecordId id = Requests.newId();
    database.inTransaction(
        connection -> {
          assertThatThrownBy(
                  () ->
                      database
                          .joining(connection)
                          .inTransaction(
                              scope -> {
                                Claim claim = claimAndWrite(database, scope, id);
                                TestDatabase.execute(connection, "ROLLBACK");
                                return claim;
                              }))
              .isInstanceOf(StoreUnavailableException.class)
              .hasMessageContaining("must be rolled back");
          return true;
        });
    assertThat(database.effects(id)).isZero();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
  void purgeSkipsWhatIsLocked(Backend backend) {
    TestDatabase database = backend.prepared();
    JdbcIdempotencyStore store =
        new JdbcIdempotencyStore(
            database.dataSource(),
            backend.dialect(),
            JdbcSettings.defaults().withQueryTimeout(Duration.ofSeconds(2)));
    List<RecordId> due = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      RecordId id = Requests.newId();
      Claim.Acquired claim = (Claim.Acquired) store.claim(Requests.claimOf(id));
      store.complete(claim.lease(), StoredOutcome.done(), Requests.RETENTION);
      database.age(id, Requests.RETENTION.multipliedBy(2));
      due.add(id);
    }
    store.claim(Requests.claimOf(Requests.newId()));
    database
        .transactional()
        .inTransaction(
            scope -> {
              // Takes one of them over, and holds a key that nobody else sees yet.
              claimAndWrite(database, scope, due.get(2));
              claimAndWrite(database, scope, Requests.newId());
              Callable<Integer> purge = () -> store.purgeExpired(100);
              int purged = Together.run(List.of(purge)).get(0);
              assertThat(purged).isEqualTo(4);
              return true;
            });
    assertThat(database.number("SELECT count(*) FROM idem_record")).isEqualTo(3);
  }

  /** With a clock that stands still, updates write what is there already. */
  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void countsOfChangedRowsAreEnough(String driver) {
    for (Dialect dialect : List.of(Dialect.MARIADB, Dialect.MYSQL)) {
      TestDatabase database =
          new TestDatabase(
                  TestMariaDb.shared()
                      .newDatabase(
                          driver, "useAffectedRows=true&sessionVariables=timestamp=1900000000.25"),
                  dialect)
              .prepared();
      JdbcIdempotencyStore store = database.leased();
      ClaimRequest request =
          Requests.with(Requests.claimOf(Requests.newId()), Requests.LEASE, Duration.ZERO);
      Claim.Acquired claim = (Claim.Acquired) store.claim(request);
      assertThat(store.renew(claim.lease(), Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
      assertThat(store.renew(claim.lease(), Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
      assertThat(database.text("SELECT lease_until FROM idem_record")).isEqualTo("1900000060251");

      database.execute("DELETE FROM idem_record");
      for (int run = 0; run < 2; run++) {
        // Kept for no time, so that it has expired at the moment that is written again.
        Claim again =
            database
                .transactional()
                .inTransaction(
                    scope -> scope.claimCompleted(request, StoredOutcome.done(), Duration.ZERO));
        assertThat(again).isInstanceOf(Claim.Acquired.class);
        database.execute("UPDATE idem_record SET expires_at = 1900000000250");
      }
    }
  }

  /** Lets many wait for one key, whose holder then rolls back. */
  private static <T> List<T> afterRollback(TestDatabase database, RecordId id, Callable<T> waiter) {
    CountDownLatch held = new CountDownLatch(1);
    return Together.runWhile(
        () -> {
          Together.await(held);
          return Together.run(Collections.nCopies(WAITERS, waiter));
        },
        () ->
            database
                .transactional()
                .inTransaction(
                    scope -> {
                      claimAndWrite(database, scope, id);
                      held.countDown();
                      Together.await("the waiters to wait", () -> database.waiting() >= WAITERS);
                      scope.setRollbackOnly();
                      return true;
                    }));
  }

  private static Claim claimAndWrite(TestDatabase database, TransactionScope scope, RecordId id) {
    Claim claim = scope.claimCompleted(Requests.claimOf(id), StoredOutcome.done(), LONG);
    if (claim instanceof Claim.Acquired) {
      database.write(scope, id);
    }
    return claim;
  }
}
