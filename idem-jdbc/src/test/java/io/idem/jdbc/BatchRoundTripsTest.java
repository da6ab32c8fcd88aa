package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.LeaseCheck;
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
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What a batch of 500 costs, on a pool of one connection. */
@ParameterizedClass
@EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
class BatchRoundTripsTest {

  private static final Duration WAIT = Duration.ofSeconds(5);

  private final TestDatabase database;
  private final CountingDataSource pool;
  private final JdbcIdempotencyStore leased;
  private final JdbcTransactionalStore transactional;

  /** On MySQL, setting the bound of the wait and setting it back are statements of their own. */
  private final int claim;

  /** And so is reading what a claim met. */
  private final int replay;

  /** Before and after which a transaction of Idem's own is rolled back. */
  private final int replayInTransaction;

  BatchRoundTripsTest(Backend backend) {
    database = backend.prepared();
    pool = database.counting(1, true);
    leased = database.leased(pool);
    transactional = database.transactional(pool);
    boolean mySql = backend.dialect() == Dialect.MYSQL;
    claim = mySql ? 3 : 1;
    replay = mySql ? 4 : 1;
    replayInTransaction = mySql ? 6 : 1;
  }

  @AfterEach
  void everythingIsGivenBack() {
    assertThat(pool.openConnections()).isZero();
    assertThat(pool.openStatements()).isZero();
    assertThat(pool.leftOver()).isEmpty();
  }

  @Test
  void leasedBatchTakesTwoAndItsReplayOne() {
    List<ClaimRequest> requests = batch();
    pool.takeExecuted();
    List<Claim> claims = leased.claimAll(requests);
    assertThat(pool.takeExecuted()).hasSize(claim);

    List<Completion> completions =
        claims.stream()
            .map(claim -> ((Claim.Acquired) claim).lease())
            .map(lease -> new Completion(lease, StoredOutcome.nullResult(), Requests.RETENTION))
            .toList();
    assertThat(leased.completeAll(completions)).containsOnly(LeaseCheck.HELD);
    assertThat(pool.takeExecuted()).hasSize(1);

    assertThat(leased.claimAll(requests)).hasOnlyElementsOfType(Claim.Completed.class);
    assertThat(pool.takeExecuted()).hasSize(replay);
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
      assertThat(pool.takeExecuted())
          .hasSize(1 + (answer == Claim.Acquired.class ? claim : replayInTransaction))
          .endsWith("commit");
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

    assertThat(pool.takeExecuted()).hasSize(claim + 2).endsWith("commit");
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
          .hasSize(claim + 2)
          .startsWith("setSavepoint")
          .endsWith("releaseSavepoint");
      connection.commit();
      connection.setAutoCommit(true);
    }
  }

  @Test
  void failureGivesEverythingBack() {
    database.execute("ALTER TABLE idem_record RENAME TO elsewhere");
    assertThatThrownBy(() -> leased.claimAll(batch()))
        .isInstanceOf(StoreUnavailableException.class)
        .hasCauseInstanceOf(SQLException.class);
    assertThatThrownBy(() -> transactional.inTransaction(scope -> scope.claimAll(batch(), WAIT)))
        .isInstanceOf(StoreUnavailableException.class);
  }

  private static List<ClaimRequest> batch() {
    return Stream.generate(() -> Requests.claimOf(Requests.newId())).limit(500).toList();
  }
}
