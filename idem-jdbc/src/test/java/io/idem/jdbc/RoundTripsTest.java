package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
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
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What a run costs, on a pool of one connection. */
@ParameterizedClass
@EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "H2")
class RoundTripsTest {

  private static final Duration WAIT = Duration.ofSeconds(5);

  private final TestDatabase database;
  private final CountingDataSource pool;
  private final JdbcIdempotencyStore leased;
  private final JdbcTransactionalStore transactional;

  /** On MySQL, setting the bound of the wait and setting it back are statements of their own. */
  private final int claim;

  /** And so is reading what a claim met. */
  private final int replay;

  /** On the others too, which look first at what they have met before. */
  private final int firstReplay;

  private final RecordId id = Requests.newId();

  RoundTripsTest(Backend backend) {
    database = backend.prepared();
    pool = database.counting(1, true);
    leased = database.leased(pool);
    transactional = database.transactional(pool);
    claim = backend.dialect() == Dialect.MYSQL ? 3 : 1;
    replay = backend.dialect() == Dialect.MYSQL ? 4 : 1;
    firstReplay = backend.dialect() == Dialect.MYSQL ? replay : 2;
  }

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
    assertThat(pool.takeExecuted()).hasSize(claim + 1);

    assertThat(leased.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
    assertThat(pool.takeExecuted()).hasSize(1);

    assertThat(leased.renew(lease, Requests.LEASE)).isEqualTo(LeaseCheck.LOST);
    assertThat(leased.release(lease)).isEqualTo(LeaseCheck.LOST);
    assertThat(pool.takeExecuted()).hasSize(2);
  }

  @Test
  void stepTakesTwoAndItsReplayOneBesideTheirJournal() {
    try (Idempotency idempotency = Idempotency.builder().store(leased).build()) {
      Operation<String> pay =
          idempotency
              .operation("pay", String.class)
              .onAbandoned(new AbandonedPolicy.Retry<>())
              .build();
      pool.takeExecuted();
      assertThatThrownBy(
              () ->
                  pay.execute(
                      id.toString(),
                      () -> {
                        throw new IllegalStateException("crash");
                      }))
          .hasMessage("crash");
      int crashed = pool.takeExecuted().size();
      IdempotentRequest request = IdempotentRequest.of(UUID.randomUUID().toString());
      assertThatThrownBy(
              () ->
                  pay.execute(
                      request,
                      attempt -> {
                        attempt.step("charge", String.class, key -> key);
                        throw new IllegalStateException("crash");
                      }))
          .hasMessage("crash");
      assertThat(pool.takeExecuted()).hasSize(crashed + claim + claim + 1);

      assertThat(
              pay.execute(request, attempt -> attempt.step("charge", String.class, key -> "again"))
                  .orElseThrow())
          .isNotEqualTo("again");
      // Taking over, what is met of the journal and of the step, the outcome, the journal's end.
      assertThat(pool.takeExecuted()).hasSizeLessThanOrEqualTo(3 * firstReplay + claim + 2);
    }
  }

  @Test
  void firstReplayOnAnotherNodeTakesALookMore() {
    Lease lease = ((Claim.Acquired) leased.claim(Requests.claimOf(id))).lease();
    leased.complete(lease, StoredOutcome.nullResult(), Requests.RETENTION);
    JdbcIdempotencyStore other = database.leased(pool);
    for (int statements : List.of(firstReplay, 1, 1)) {
      pool.takeExecuted();
      assertThat(other.claim(Requests.claimOf(id))).isInstanceOf(Claim.Completed.class);
      assertThat(pool.takeExecuted()).hasSize(statements);
    }
  }

  @Test
  void expiredRecordIsLookedAtInVain() {
    Lease lease = ((Claim.Acquired) leased.claim(Requests.claimOf(id))).lease();
    leased.complete(lease, StoredOutcome.nullResult(), Requests.RETENTION);
    database.age(id, Requests.RETENTION.multipliedBy(2));

    assertThat(leased.claim(Requests.claimOf(id))).isInstanceOf(Claim.Acquired.class);
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
      assertThat(executed)
          .hasSize(1 + (answer == Claim.Acquired.class ? claim : replay))
          .endsWith("commit");
    }
  }

  @Test
  void transactionalRunWithAnAnswerTakesTwoMore() {
    pool.takeExecuted();
    transactional.inTransaction(
        scope -> {
          Lease lease = ((Claim.Acquired) scope.claim(Requests.claimOf(id), WAIT)).lease();
          return scope.complete(lease, StoredOutcome.nullResult(), Requests.RETENTION);
        });

    assertThat(pool.takeExecuted()).hasSize(claim + 2).endsWith("commit");
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
      assertThat(executed)
          .hasSize(claim + 2)
          .startsWith("setSavepoint")
          .endsWith("releaseSavepoint");
      connection.commit();
      connection.setAutoCommit(true);
    }
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
