package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a run costs on PostgreSQL, on a pool of one connection. */
class RoundTripsTest {

  private static final Duration WAIT = Duration.ofSeconds(5);

  private final TestDatabase database = TestDatabase.postgresql();
  private final CountingDataSource pool = database.counting(1, true);
  private final JdbcIdempotencyStore leased = new JdbcIdempotencyStore(pool);
  private final JdbcTransactionalStore transactional = new JdbcTransactionalStore(pool);
  private final RecordId id = Requests.newId();

  @AfterEach
  void everythingIsGivenBack() {
    assertThat(pool.openConnections()).isZero();
    assertThat(pool.openStatements()).isZero();
    assertThat(pool.leftOver()).isEmpty();
  }

  @Test
  void leasedRunTakesTwoAndItsReplayOne() {
    pool.takeExecuted();
    Lease lease = ((Claim.Acquired) leased.claim(Requests.claimOf(id))).lease();
    assertThat(leased.complete(lease, StoredOutcome.nullResult(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(pool.takeExecuted()).hasSize(2);

    assertThat(leased.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
    assertThat(pool.takeExecuted()).hasSize(1);

    assertThat(leased.renew(lease, Requests.LEASE)).isEqualTo(LeaseCheck.LOST);
    assertThat(leased.release(lease)).isEqualTo(LeaseCheck.LOST);
    assertThat(pool.takeExecuted()).hasSize(2);
  }

  @Test
  void transactionalRunWithoutAnAnswerTakesOneMore() {
    for (Class<?> answer : List.of(Claim.Acquired.class, Claim.Completed.class)) {
      pool.takeExecuted();
      transactional.inTransaction(
          scope -> {
            assertThat(scope.claimCompleted(Requests.claimOf(id), StoredOutcome.done(), WAIT))
                .isInstanceOf(answer);
            return true;
          });
      List<String> executed = pool.takeExecuted();
      assertThat(executed).hasSize(2);
      assertThat(executed.get(1)).isEqualTo("commit");
    }
  }

  @Test
  void transactionalRunWithAnAnswerTakesTwoMore() {
    pool.takeExecuted();
    transactional.inTransaction(
        scope -> {
          Claim claim = scope.claim(Requests.claimOf(id), WAIT);
          Lease lease = ((Claim.Acquired) claim).lease();
          return scope.complete(lease, StoredOutcome.nullResult(), Requests.RETENTION);
        });

    assertThat(pool.takeExecuted()).hasSize(3).endsWith("commit");
  }

  @Test
  void joinedRunTakesTheSameBesideItsSavepoint() throws SQLException {
    pool.takeExecuted();
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      database
          .joining(connection)
          .inTransaction(
              scope -> scope.claimCompleted(Requests.claimOf(id), StoredOutcome.done(), WAIT));
      List<String> executed = pool.takeExecuted();
      assertThat(executed).hasSize(3).startsWith("setSavepoint").endsWith("releaseSavepoint");
      connection.commit();
      connection.setAutoCommit(true);
    }
  }

  @Test
  void leasedBatchTakesTwoAndItsReplayOne() {
    List<ClaimRequest> requests = batch();
    pool.takeExecuted();
    List<Claim> claims = leased.claimAll(requests);
    assertThat(pool.takeExecuted()).hasSize(1);

    List<Completion> completions =
        claims.stream()
            .map(claim -> ((Claim.Acquired) claim).lease())
            .map(lease -> new Completion(lease, StoredOutcome.nullResult(), Requests.RETENTION))
            .toList();
    assertThat(leased.completeAll(completions)).containsOnly(LeaseCheck.HELD);
    assertThat(pool.takeExecuted()).hasSize(1);

    assertThat(leased.claimAll(requests)).hasOnlyElementsOfType(Claim.Completed.class);
    assertThat(pool.takeExecuted()).hasSize(1);
  }

  @Test
  void transactionalBatchTakesOneMore() {
    List<ClaimRequest> requests = batch();
    for (Class<?> answer : List.of(Claim.Acquired.class, Claim.Completed.class)) {
      pool.takeExecuted();
      transactional.inTransaction(
          scope -> {
            assertThat(scope.claimAllCompleted(requests, StoredOutcome.done(), WAIT))
                .hasOnlyElementsOfType(answer);
            return true;
          });
      assertThat(pool.takeExecuted()).hasSize(2).endsWith("commit");
    }
  }

  @Test
  void transactionalBatchWithAnswersTakesTwoMore() {
    pool.takeExecuted();
    transactional.inTransaction(
        scope ->
            scope.completeAll(
                scope.claimAll(batch(), WAIT).stream()
                    .map(claim -> ((Claim.Acquired) claim).lease())
                    .map(
                        lease ->
                            new Completion(lease, StoredOutcome.nullResult(), Requests.RETENTION))
                    .toList()));

    assertThat(pool.takeExecuted()).hasSize(3).endsWith("commit");
  }

  @Test
  void joinedBatchTakesTheSameBesideItsSavepoint() throws SQLException {
    List<ClaimRequest> requests = batch();
    pool.takeExecuted();
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      database
          .joining(connection)
          .inTransaction(scope -> scope.claimAllCompleted(requests, StoredOutcome.done(), WAIT));
      assertThat(pool.takeExecuted())
          .hasSize(3)
          .startsWith("setSavepoint")
          .endsWith("releaseSavepoint");
      connection.commit();
      connection.setAutoCommit(true);
    }
  }

  private static List<ClaimRequest> batch() {
    return Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(500).toList();
  }

  @Test
  void failuresGiveEverythingBack() {
    assertThatThrownBy(
            () ->
                transactional.inTransaction(
                    scope -> {
                      scope.claim(Requests.claimOf(id), WAIT);
                      throw new IllegalStateException("declined");
                    }))
        .isInstanceOf(IllegalStateException.class);

    database.execute("ALTER TABLE idem_record RENAME TO elsewhere");
    assertThatThrownBy(() -> leased.claim(Requests.claimOf(id)))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContaining("Claiming record " + id)
        .hasCauseInstanceOf(SQLException.class);
    assertThatThrownBy(
            () -> transactional.inTransaction(scope -> scope.claim(Requests.claimOf(id), WAIT)))
        .isInstanceOf(StoreUnavailableException.class);
  }

  @Test
  void noConnectionMeansThatTheWorkDidNotRun() throws SQLException {
    try (Connection all = pool.getConnection()) {
      assertThat(all.isClosed()).isFalse();
      assertThatThrownBy(
              () ->
                  transactional.inTransaction(
                      scope -> {
                        throw new AssertionError("ran");
                      }))
          .isInstanceOf(StoreUnavailableException.class);
      assertThatThrownBy(() -> leased.claim(Requests.claimOf(id)))
          .isInstanceOf(StoreUnavailableException.class);
    }
  }
}
