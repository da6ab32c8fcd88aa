package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a batch of 500 costs on PostgreSQL, on a pool of one connection. */
class BatchRoundTripsTest {

  private static final Duration WAIT = Duration.ofSeconds(5);

  private final TestDatabase database = TestDatabase.postgresql();
  private final CountingDataSource pool = database.counting(1, true);
  private final JdbcIdempotencyStore leased = database.leased(pool);
  private final JdbcTransactionalStore transactional = database.transactional(pool);

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
}
