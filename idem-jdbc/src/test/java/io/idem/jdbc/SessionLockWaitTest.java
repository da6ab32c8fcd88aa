package io.idem.jdbc;

import static io.idem.jdbc.HeldKey.LONGER;
import static io.idem.jdbc.HeldKey.inbox;
import static io.idem.jdbc.HeldKey.whileHeld;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.TransactionScope;
import io.idem.testkit.Requests;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Claims whose wait is bounded by the lock_timeout that their connections carry. */
class SessionLockWaitTest {

  private static final Duration SESSION = Duration.ofMillis(400);

  private final RecordId id = Requests.newId();

  /** What the connection carries strikes where the operation would wait longer, and not before. */
  @ParameterizedTest
  @CsvSource({"30000, 400, 10000", "50, 50, 399"})
  void shorterOfTheTwoBoundsTheWait(long wait, long atLeast, long atMost) {
    TestDatabase database = TestDatabase.boundBySession(SESSION);
    warmUp(database);
    whileHeld(
        database,
        id,
        () -> {
          long start = System.nanoTime();
          Claim claim =
              database
                  .transactional()
                  .inTransaction(scope -> inbox(scope, id, Duration.ofMillis(wait)));
          assertThat(claim).isInstanceOf(Claim.Running.class);
          assertThat(Duration.ofNanos(System.nanoTime() - start).toMillis())
              .isBetween(atLeast, atMost);
        });
  }

  /** The caller goes on after the strike, with what was done before it. */
  @Test
  void joinedTransactionOutlivesTheStrike() {
    HeldKey.assertJoinedOutlivesTheWait(
        TestDatabase.boundBySession(SESSION),
        LONGER,
        scope -> assertThat(shown(scope)).isEqualTo("400ms"));
  }

  /** A claim leaves it as it is, and one that may wait less sets it back. */
  @Test
  void connectionKeepsItsBound() {
    TestDatabase database = TestDatabase.boundBySession(SESSION);
    for (Duration wait : List.of(LONGER, Duration.ofMillis(50))) {
      database
          .transactional()
          .inTransaction(
              scope -> {
                RecordId each = Requests.newId();
                for (Class<?> answer : List.of(Claim.Acquired.class, Claim.Completed.class)) {
                  assertThat(inbox(scope, each, wait)).isInstanceOf(answer);
                  assertThat(shown(scope)).isEqualTo("400ms");
                }
                return true;
              });
    }
  }

  @Test
  void claimThatLeavesTheBoundToTheConnectionSetsNone() {
    TestDatabase database = TestDatabase.boundBySession(SESSION);
    CountingDataSource pool = database.counting(1, true);
    JdbcTransactionalStore store = database.transactional(pool);
    JdbcIdempotencyStore leased = database.leased(pool);
    store.inTransaction(scope -> inbox(scope, id, LONGER));
    leased.claim(Requests.claimOf(Requests.newId()));
    pool.takeExecuted();

    store.inTransaction(scope -> inbox(scope, Requests.newId(), LONGER));
    store.inTransaction(scope -> scope.claim(Requests.claimOf(Requests.newId()), LONGER));
    leased.claim(Requests.claimOf(Requests.newId()));
    assertThat(pool.takeExecuted()).hasSize(5).noneMatch(sql -> sql.contains("lock_timeout"));

    store.inTransaction(scope -> inbox(scope, Requests.newId(), Duration.ofMillis(50)));
    assertThat(pool.takeExecuted()).hasSize(2).anyMatch(sql -> sql.contains("lock_timeout"));
  }

  @Test
  void connectionsWithoutABoundAreRefused() {
    TestDatabase database = TestDatabase.boundBySession(SESSION);
    database.setLockTimeout(Duration.ZERO);
    JdbcSchema schema =
        new JdbcSchema(database.dataSource(), database.dialect(), database.settings());

    assertThatThrownBy(schema::check)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("have no lock_timeout")
        .hasMessageContaining("ALTER ROLE");
    assertThatThrownBy(() -> database.leased().claim(Requests.claimOf(id)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("have no lock_timeout");
    assertThatThrownBy(
            () -> database.transactional().inTransaction(scope -> inbox(scope, id, LONGER)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("have no lock_timeout");

    database.setLockTimeout(SESSION);
    schema.check();
    assertThat(database.leased().claim(Requests.claimOf(id))).isInstanceOf(Claim.Acquired.class);
  }

  @ParameterizedTest
  @EnumSource(value = Dialect.class, mode = EnumSource.Mode.EXCLUDE, names = "POSTGRESQL")
  void otherDatabasesAreRefused(Dialect dialect) {
    TestDatabase h2 = TestDatabase.h2();
    JdbcSettings settings = JdbcSettings.defaults().withLockWait(LockWait.OF_SESSION);
    assertThatThrownBy(() -> new JdbcIdempotencyStore(h2.dataSource(), dialect, settings))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("on PostgreSQL only");
  }

  /** What is slow when it is done first is not measured. */
  private static void warmUp(TestDatabase database) {
    database.transactional().inTransaction(scope -> inbox(scope, Requests.newId(), LONGER));
  }

  private static String shown(TransactionScope scope) {
    return TestDatabase.text(scope.unwrap(Connection.class), "SHOW lock_timeout");
  }
}
