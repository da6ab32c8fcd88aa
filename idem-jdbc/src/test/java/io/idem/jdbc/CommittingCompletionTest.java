package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.testkit.Requests;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.ds.PGSimpleDataSource;

/** The last write of a transaction of our own, which on PostgreSQL commits it by the way. */
@ParameterizedClass
@CsvSource({
  "prepareThreshold=5, 18",
  "prepareThreshold=1, 18",
  "autosave=always, 18",
  "autosave=always&cleanupSavepoints=true, 18",
  "autosave=conservative, 18",
  "preferQueryMode=simple, 18",
  "prepareThreshold=5, 14",
  "prepareThreshold=1, 14",
  "preferQueryMode=simple, 14"
})
class CommittingCompletionTest {

  private static final Duration WAIT = Duration.ofSeconds(5);
  private static final StoredOutcome ANSWER = StoredOutcome.result(new byte[] {4, 2});

  private final TestDatabase plain = TestDatabase.postgresql();
  private final TestDatabase database;
  private final CountingDataSource pool;
  private final JdbcTransactionalStore store;
  private final RecordId id = Requests.newId();

  private final boolean merges;

  CommittingCompletionTest(String options, int version) throws SQLException {
    merges = version >= 15;
    assumeTrue(!merges || plain.isAtLeast(15), "MERGE is understood from 15 on");
    PGSimpleDataSource source = new PGSimpleDataSource();
    try (Connection connection = plain.dataSource().getConnection()) {
      String url = connection.getMetaData().getURL();
      source.setURL(url + (url.contains("?") ? "&" : "?") + options);
      source.setUser(connection.getMetaData().getUserName());
    }
    database = new TestDatabase(source, Dialect.POSTGRESQL);
    pool = database.counting(1, true);
    pool.pretendMajorVersion(version);
    store = database.transactional(pool);
  }

  @Test
  void effectAndOutcomeAreCommittedWithIt() {
    // More often than the driver waits before it prepares.
    for (int i = 0; i < 7; i++) {
      RecordId each = Requests.newId();
      pool.takeExecuted();
      LeaseCheck check =
          store.inTransaction(
              scope -> {
                Lease lease = claim(scope, each);
                database.write(scope, each);
                LeaseCheck held = scope.completeLast(lease, ANSWER, Requests.RETENTION);
                assertThat(plain.effects(each)).as("committed already").isOne();
                assertThatThrownBy(() -> scope.complete(lease, ANSWER, Requests.RETENTION))
                    .isInstanceOf(IllegalStateException.class);
                return held;
              });
      assertThat(check).isEqualTo(LeaseCheck.HELD);
      List<String> executed = pool.takeExecuted();
      assertThat(executed).as("claim, effect, last write, and a commit of nothing").hasSize(4);
      assertThat(executed.get(2)).startsWith(merges ? "MERGE" : "WITH").endsWith("COMMIT");
      assertThat(plain.leased().claim(Requests.claimOf(each)))
          .isEqualTo(new Claim.Completed(Requests.claimOf(each).fingerprint(), ANSWER));
    }
  }

  @Test
  void nothingIsCommittedWithoutTheClaim() {
    LeaseCheck check =
        store.inTransaction(
            scope -> {
              Lease lease = claim(scope, id);
              rollBack(scope);
              database.write(scope, id);
              return scope.completeLast(lease, ANSWER, Requests.RETENTION);
            });
    assertThat(check).isEqualTo(LeaseCheck.LOST);
    assertThat(plain.effects(id)).isZero();
    assertThat(plain.leased().claim(Requests.claimOf(id))).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void engineRefusesAnEffectWhoseClaimWasRolledBack() {
    try (Idempotency idempotency = Idempotency.builder().transactionalStore(store).build()) {
      Operation<String> operation =
          idempotency.operation("pay", String.class).mode(Mode.TRANSACTIONAL).build();
      assertThatThrownBy(
              () ->
                  operation.execute(
                      IdempotentRequest.of("k"),
                      attempt -> {
                        attempt.unwrap(Connection.class).rollback();
                        TestDatabase.execute(
                            attempt.unwrap(Connection.class),
                            "INSERT INTO effect VALUES ('" + id + "')");
                        return "paid";
                      }))
          .isInstanceOf(StoreUnavailableException.class);
      assertThat(plain.effects(id)).isZero();
      assertThat(operation.execute("k", () -> "now")).isInstanceOf(Execution.Ran.class);
    }
  }

  @Test
  void whatFailsAtTheCommitIsRolledBackWithTheRecord() {
    plain.execute("CREATE TABLE late (name VARCHAR(32) UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    assertThatThrownBy(
            () ->
                store.inTransaction(
                    scope -> {
                      Lease lease = claim(scope, id);
                      Connection connection = scope.unwrap(Connection.class);
                      TestDatabase.execute(connection, "INSERT INTO late VALUES ('x')");
                      TestDatabase.execute(connection, "INSERT INTO late VALUES ('x')");
                      return scope.completeLast(lease, ANSWER, Requests.RETENTION);
                    }))
        .isInstanceOf(CommitRefusedException.class);
    assertThat(plain.number("SELECT count(*) FROM late")).isZero();
    assertThat(plain.leased().claim(Requests.claimOf(id))).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void markedTransactionIsNotCommitted() {
    store.inTransaction(
        scope -> {
          Lease lease = claim(scope, id);
          database.write(scope, id);
          scope.setRollbackOnly();
          return scope.completeLast(lease, ANSWER, Requests.RETENTION);
        });
    assertThat(plain.effects(id)).isZero();
  }

  @Test
  void callersTransactionIsLeftToTheCaller() {
    plain.inTransaction(
        connection -> {
          plain
              .joining(connection)
              .inTransaction(
                  scope -> {
                    Lease lease = claim(scope, id);
                    plain.write(scope, id);
                    return scope.completeLast(lease, ANSWER, Requests.RETENTION);
                  });
          assertThat(plain.effects(id)).isZero();
          return false;
        });
    assertThat(plain.effects(id)).isZero();
  }

  private static Lease claim(TransactionScope scope, RecordId id) {
    return ((Claim.Acquired) scope.claim(Requests.claimOf(id), WAIT)).lease();
  }

  private static void rollBack(TransactionScope scope) {
    try {
      scope.unwrap(Connection.class).rollback();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
