package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.testkit.Requests;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The expiry is what the claim made it, but for runs that took longer than it reckoned with. */
class CompletionExpiryTest {

  private static final Duration RETENTION = Duration.ofHours(1);
  private static final StoredOutcome ANSWER = StoredOutcome.nullResult();

  /** On H2, which rounds no expiry. */
  @Test
  void longRunIsKeptForTheWholeRetention() {
    TestDatabase database = TestDatabase.h2();
    long before =
        database
            .transactional()
            .inTransaction(
                scope -> {
                  Lease lease = claim(scope, request(Duration.ofMillis(20)));
                  run(Duration.ofMillis(100));
                  long now = System.currentTimeMillis();
                  assertThat(scope.complete(lease, ANSWER, RETENTION)).isEqualTo(LeaseCheck.HELD);
                  return now;
                });
    assertThat(database.number("SELECT expires_at - " + before + " FROM idem_record"))
        .isGreaterThanOrEqualTo((int) RETENTION.toMillis());
  }

  /** It is not written again at the end of the run. */
  @ParameterizedTest
  @EnumSource
  void outcomeWithoutAnAnswerIsKeptForTheWholeRetention(Backend backend) {
    TestDatabase database = backend.prepared();
    ClaimRequest request = request(Duration.ofMinutes(1));
    database
        .transactional()
        .inTransaction(
            scope -> {
              Claim claim = scope.claimCompleted(request, StoredOutcome.done(), Duration.ZERO);
              assertThat(claim).isInstanceOf(Claim.Acquired.class);
              run(Duration.ofMillis(1100)); // more than PostgreSQL rounds
              return true;
            });
    database.age(request.id(), RETENTION);
    assertThat(database.leased().claim(Requests.with(request, Requests.newToken())))
        .isInstanceOf(Claim.Completed.class);
  }

  @Test
  void onlyLongRunsAndLongerRetentionsMoveIt() {
    TestDatabase database = TestDatabase.postgresql();
    assertThat(completions(database, Duration.ofMinutes(1), RETENTION)).isEqualTo("in time");
    assertThat(completions(database, Duration.ofMinutes(1), RETENTION.plusMillis(1)))
        .isEqualTo("moved");
    assertThat(completions(database, Duration.ofMillis(1), RETENTION)).isEqualTo("moved");
  }

  /** Completes twice, the second time together with the commit. */
  private static String completions(TestDatabase database, Duration lease, Duration retention) {
    CountingDataSource pool = database.counting(1, true);
    JdbcTransactionalStore store = database.transactional(pool);
    boolean moved =
        store.inTransaction(
            scope -> {
              Lease first = claim(scope, request(lease));
              pool.takeExecuted();
              run(Duration.ofMillis(2));
              scope.complete(first, ANSWER, retention);
              return pool.takeExecuted().get(0).contains("GREATEST");
            });
    boolean movedWithCommit =
        store.inTransaction(
            scope -> {
              Lease second = claim(scope, request(lease));
              pool.takeExecuted();
              run(Duration.ofMillis(2));
              scope.completeLast(second, ANSWER, retention);
              return pool.takeExecuted().get(0).contains("GREATEST");
            });
    // Without MERGE the expiry is always looked at.
    assertThat(movedWithCommit).isEqualTo(moved || !database.isAtLeast(15));
    return moved ? "moved" : "in time";
  }

  /** Its record is kept from the first time on. */
  @Test
  void repeatedClaimIsReckonedFromTheFirst() {
    CountingDataSource pool = TestDatabase.postgresql().counting(1, true);
    JdbcTransactionalStore store = new JdbcTransactionalStore(pool);
    ClaimRequest request = request(Duration.ofMillis(400));
    String completion =
        store.inTransaction(
            scope -> {
              claim(scope, request);
              run(Duration.ofMillis(200));
              Lease lease = claim(scope, request);
              pool.takeExecuted();
              scope.complete(lease, ANSWER, RETENTION);
              return pool.takeExecuted().get(0);
            });
    assertThat(completion).contains("GREATEST");
  }

  /** A run of the body that takes so long. */
  private static void run(Duration time) {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < time.toNanos()) {
      Thread.onSpinWait();
    }
  }

  private static Lease claim(TransactionScope scope, ClaimRequest request) {
    return ((Claim.Acquired) scope.claim(request, Duration.ZERO)).lease();
  }

  private static ClaimRequest request(Duration leaseFor) {
    ClaimRequest any = Requests.claimOf(Requests.newId());
    return new ClaimRequest(
        any.id(), any.label(), any.fingerprint(), any.token(), leaseFor, RETENTION, false);
  }
}
