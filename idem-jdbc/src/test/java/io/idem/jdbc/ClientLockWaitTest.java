package io.idem.jdbc;

import static io.idem.jdbc.HeldKey.LONGER;
import static io.idem.jdbc.HeldKey.inbox;
import static io.idem.jdbc.HeldKey.whileHeld;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Claims on PostgreSQL that the store cancels when they have waited long enough. */
class ClientLockWaitTest {

  private static final Duration WAIT = Duration.ofMillis(300);
  private static final Duration SHORT = Duration.ofMillis(50);

  private final TestDatabase database = TestDatabase.postgresql();
  private final RecordId id = Requests.newId();

  @Test
  void transactionOfItsOwnWaitsAndNoLonger() {
    whileHeld(
        database,
        id,
        () -> {
          long start = System.nanoTime();
          assertThat(inTransaction(database.transactional(), id, WAIT))
              .isInstanceOf(Claim.Running.class);
          assertThat(millisSince(start)).isBetween(WAIT.toMillis(), LONGER.toMillis() / 2);
        });
  }

  /** The caller goes on after the cancellation, with what was done before it. */
  @Test
  void joinedTransactionOutlivesTheCancellation() {
    HeldKey.assertJoinedOutlivesTheWait(database, WAIT, scope -> {});
  }

  /** Whichever way the pool sets autocommit, and the connection is used again afterwards. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void leasedClaimWaitsAndNoLonger(boolean autoCommit) {
    JdbcIdempotencyStore store = database.leased(database.counting(1, autoCommit));
    whileHeld(
        database,
        id,
        () -> {
          assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Running.class);
          Claim next = store.claim(Requests.claimOf(Requests.newId()));
          assertThat(store.complete(leaseOf(next), StoredOutcome.done(), Requests.RETENTION))
              .isEqualTo(LeaseCheck.HELD);
        });
    assertThat(store.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
  }

  @Test
  void shorterBoundOfTheCallersStrikesFirst() {
    whileHeld(
        database,
        id,
        () ->
            database.inTransaction(
                connection -> {
                  TestDatabase.execute(connection, "SET LOCAL lock_timeout = '100ms'");
                  long start = System.nanoTime();
                  assertThat(inTransaction(database.joining(connection), id, LONGER))
                      .isInstanceOf(Claim.Running.class);
                  assertThat(millisSince(start)).isLessThan(LONGER.toMillis() / 2);
                  assertThat(TestDatabase.text(connection, "SHOW lock_timeout")).isEqualTo("100ms");
                  return false;
                }));
  }

  /** Who may hardly wait has the server bound it, exactly. */
  @Test
  void shortWaitsAreTheServers() {
    CountingDataSource pool = database.counting(1, true);
    JdbcTransactionalStore store = database.transactional(pool);
    inTransaction(store, Requests.newId(), WAIT);
    assertThat(pool.takeExecuted()).noneMatch(sql -> sql.contains("lock_timeout"));
    inTransaction(store, Requests.newId(), SHORT);
    assertThat(pool.takeExecuted()).anyMatch(sql -> sql.contains("lock_timeout"));
  }

  /** Busy is only who has a rival: a claim that is cancelled on its way is made once more. */
  @Test
  void slowServerIsNoRival() {
    database.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            + " 'BEGIN PERFORM pg_sleep(0.6); RETURN NEW; END'");
    database.execute(
        "CREATE TRIGGER slow BEFORE INSERT ON idem_record FOR EACH ROW EXECUTE FUNCTION slow()");
    assertThat(database.leased().claim(Requests.claimOf(Requests.newId())))
        .isInstanceOf(Claim.Acquired.class);
    assertThat(inTransaction(database.transactional(), id, WAIT))
        .isInstanceOf(Claim.Acquired.class);
    RecordId joined = Requests.newId();
    database.inTransaction(
        connection -> {
          database
              .joining(connection)
              .inTransaction(
                  scope -> {
                    database.write(scope, joined);
                    assertThat(inbox(scope, joined, WAIT)).isInstanceOf(Claim.Acquired.class);
                    return true;
                  });
          return true;
        });
    assertThat(database.effects(joined)).isOne();
    for (RecordId each : List.of(id, joined)) {
      assertThat(inTransaction(database.transactional(), each, WAIT))
          .isInstanceOf(Claim.Completed.class);
    }
  }

  /** Behind a proxy that drops cancellations, one claim waits for its rival, and no other does. */
  @Test
  void serverBoundsTheWaitWhereCancellationsAreLost() {
    try (CancellationProxy proxy = CancellationProxy.dropping(Integer.MAX_VALUE, database)) {
      CountingDataSource counted = new CountingDataSource(proxy.dataSource(), 10, true);
      JdbcTransactionalStore store = database.transactional(counted);
      RecordId other = Requests.newId();
      database
          .transactional()
          .inTransaction(
              held -> {
                inbox(held, other, LONGER);
                Thread[] waiting = new Thread[1];
                whileHeld(
                    database,
                    id,
                    () -> {
                      waiting[0] = new Thread(() -> inTransaction(store, id, WAIT));
                      waiting[0].start();
                      Together.await("a second try", () -> proxy.dropped() > 1);
                      assertThat(waiting[0].isAlive()).isTrue();

                      counted.takeExecuted();
                      assertThat(inTransaction(store, other, WAIT))
                          .isInstanceOf(Claim.Running.class);
                      assertThat(counted.takeExecuted())
                          .anyMatch(sql -> sql.contains("lock_timeout"));
                    });
                join(waiting[0]);
                return true;
              });
    }
  }

  /** Its own cancellation the driver sends once; whose is lost, is cancelled by the connection. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void claimWhoseFirstCancellationIsLostIsCancelledAgain(boolean pooled) {
    try (CancellationProxy proxy = CancellationProxy.dropping(1, database)) {
      TestDatabase plain =
          new TestDatabase(proxy.dataSource(), database.dialect(), database.settings());
      TestDatabase behind = pooled ? plain.pooled() : plain;
      try {
        JdbcTransactionalStore store = behind.transactional();
        whileHeld(
            database,
            id,
            () -> {
              CompletableFuture<Claim> claim =
                  CompletableFuture.supplyAsync(() -> inTransaction(store, id, WAIT));
              Together.await("the end of a claim whose rival goes on", claim::isDone);
              assertThat(claim.join()).isInstanceOf(Claim.Running.class);
              assertThat(proxy.dropped()).isOne();
              assertThat(inTransaction(store, Requests.newId(), WAIT))
                  .as("what comes next is not struck")
                  .isInstanceOf(Claim.Acquired.class);
            });
      } finally {
        behind.close();
      }
    }
  }

  /**
   * A commit that is cancelled while it waits for a standby says that all is well. The server is
   * one of its own: nothing commits there any more.
   */
  @Test
  void whatNoStandbyHasConfirmedIsNotTold() throws Exception {
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder().setServerConfig("synchronous_commit", "on").start()) {
      JdbcSettings impatient = JdbcSettings.defaults().withQueryTimeout(Duration.ofMillis(500));
      TestDatabase alone =
          new TestDatabase(server.getPostgresDatabase(), Dialect.POSTGRESQL, impatient).prepared();
      JdbcIdempotencyStore store = alone.leased();
      Claim owned = store.claim(Requests.claimOf(id));
      assertThat(store.claim(Requests.claimOf(Requests.newId())))
          .isInstanceOf(Claim.Acquired.class);
      alone.execute("ALTER SYSTEM SET synchronous_standby_names = 'absent'");
      alone.execute("SELECT pg_reload_conf()");
      Together.awaitChecked("commits that wait", () -> waitsForStandbys(alone.dataSource()));

      assertThatThrownBy(() -> store.claim(Requests.claimOf(Requests.newId())))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("may have been committing");
      assertThatThrownBy(
              () -> store.complete(leaseOf(owned), StoredOutcome.done(), Requests.RETENTION))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("may have been committing");
      RecordId answered = Requests.newId();
      assertThatThrownBy(
              () ->
                  alone
                      .transactional()
                      .inTransaction(
                          scope -> {
                            Claim claim = scope.claim(Requests.claimOf(answered), WAIT);
                            return scope.completeLast(
                                leaseOf(claim), StoredOutcome.done(), Requests.RETENTION);
                          }))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("may or may not have taken effect");
    }
  }

  /** Whether a commit takes long, and says that it stopped waiting when it is cancelled. */
  private static boolean waitsForStandbys(DataSource source) throws SQLException {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.execute("INSERT INTO effect VALUES ('probe')");
      return statement.getWarnings() != null;
    }
  }

  private static void join(Thread thread) {
    Together.await("the end of " + thread, () -> !thread.isAlive());
  }

  private static long millisSince(long nanos) {
    return Duration.ofNanos(System.nanoTime() - nanos).toMillis();
  }

  private static Lease leaseOf(Claim claim) {
    return ((Claim.Acquired) claim).lease();
  }

  private static Claim inTransaction(TransactionalStore store, RecordId id, Duration wait) {
    return store.inTransaction(scope -> inbox(scope, id, wait));
  }
}
