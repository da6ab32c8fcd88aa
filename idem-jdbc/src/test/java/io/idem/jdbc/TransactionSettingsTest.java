package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Decision;
import io.idem.core.Execution;
import io.idem.core.FailureMapping;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Transactions on PostgreSQL that somebody else begins, with a setting that is theirs alone, such
 * as the tenant of row-level security: a rollback would undo it.
 */
class TransactionSettingsTest {

  private static final Duration WAIT = Duration.ofMillis(300);
  private static final String TENANT = "SELECT current_setting('app.tenant', true)";

  private final TestDatabase database = TestDatabase.postgresql();
  private final JdbcTransactionalStore store =
      new JdbcTransactionalStore(
          new OfATenant(JdbcTransactions.of(database.dataSource())),
          database.dialect(),
          database.settings());

  @Test
  void bodyAfterAClaimThatWasCancelledHasIt() {
    database.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            + " 'BEGIN PERFORM pg_sleep(1.6); RETURN NEW; END'");
    database.execute(
        "CREATE TRIGGER slow BEFORE INSERT ON idem_record FOR EACH ROW EXECUTE FUNCTION slow()");
    try (Idempotency idempotency = Idempotency.builder().transactionalStore(store).build()) {
      Operation<String> operation =
          idempotency
              .operation("pay", String.class)
              .mode(Mode.TRANSACTIONAL)
              .waitAtMost(Duration.ofSeconds(1))
              .build();
      Execution<String> execution =
          operation.execute(
              IdempotentRequest.of("k"),
              attempt -> TestDatabase.text(attempt.unwrap(Connection.class), TENANT));
      assertThat(execution.orElseThrow()).isEqualTo("7");
    }
  }

  @Test
  void repeatIsBusyWithinItsBound() {
    IdempotentRequest request = IdempotentRequest.of("k");
    List<Decision> decisions = new CopyOnWriteArrayList<>();
    try (Idempotency idempotency = engine(decisions)) {
      Operation<String> operation = operation(idempotency).build();
      operation.execute(
          request,
          attempt -> {
            long start = System.nanoTime();
            Together.run(
                List.<Callable<Boolean>>of(
                    () -> {
                      try (Idempotency other = engine(decisions)) {
                        assertThat(operation(other).build().execute(request, again -> "again"))
                            .isInstanceOf(Execution.Busy.class);
                      }
                      return true;
                    }));
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isLessThan(WAIT.multipliedBy(6));
            return "first";
          });
    }
    assertThat(decisions).containsExactly(Decision.BUSY, Decision.RAN);
  }

  /** Whoever waits for a key has it as soon as its run is rolled back, before that is recorded. */
  @Test
  void rejectionThatMeetsARunIsNoFailureOfTheStore() {
    IdempotentRequest request = IdempotentRequest.of("k");
    List<Decision> decisions = new CopyOnWriteArrayList<>();
    CountDownLatch rejected = new CountDownLatch(1);
    ExecutorService threads = Executors.newSingleThreadExecutor();
    try (Idempotency idempotency = engine(decisions);
        Idempotency other = engine(new CopyOnWriteArrayList<>())) {
      assertThatThrownBy(
              () ->
                  operation(idempotency)
                      .recordFailure(
                          FailureMapping.ofMessage(
                              "declined", IllegalStateException.class, IllegalStateException::new))
                      .build()
                      .execute(
                          request,
                          attempt -> {
                            threads.execute(
                                () ->
                                    operation(other)
                                        .waitAtMost(HeldKey.LONGER)
                                        .build()
                                        .execute(
                                            request,
                                            next -> {
                                              Together.await(rejected);
                                              return "theirs";
                                            }));
                            LockSupport.parkNanos(200_000_000);
                            throw new IllegalStateException("declined");
                          }))
          .hasMessage("declined");
      rejected.countDown();
      threads.shutdown();
    }
    assertThat(decisions).containsExactly(Decision.FAILED);
  }

  private Idempotency engine(List<Decision> decisions) {
    return Idempotency.builder()
        .transactionalStore(store)
        .listener(event -> decisions.add(event.decision()))
        .build();
  }

  private static Operation.Builder<String> operation(Idempotency idempotency) {
    return idempotency
        .operation("pay", String.class)
        .mode(Mode.TRANSACTIONAL)
        .waitAtMost(WAIT.multipliedBy(3));
  }

  @Test
  void batchWithAKeyThatIsBusyHasIt() {
    List<RecordId> ids = Stream.generate(Requests::newId).limit(4).toList();
    HeldKey.whileHeld(
        database,
        ids.get(1),
        () ->
            store.inTransaction(
                scope -> {
                  List<Claim> claims =
                      scope.claimAllCompleted(
                          ids.stream().map(Requests::claimOf).toList(), StoredOutcome.done(), WAIT);
                  assertThat(claims.get(1)).isInstanceOf(Claim.Running.class);
                  assertThat(claims).filteredOn(Claim.Acquired.class::isInstance).hasSize(3);
                  assertThat(TestDatabase.text(scope.unwrap(Connection.class), TENANT))
                      .isEqualTo("7");
                  return true;
                }));
  }

  private record OfATenant(JdbcTransactions transactions) implements JdbcTransactions {

    @Override
    public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
        throws X {
      return transactions.inTransaction(
          transaction -> {
            TestDatabase.execute(transaction.connection(), "SET LOCAL app.tenant = '7'");
            return work.run(new Foreign(transaction));
          });
    }
  }

  private record Foreign(JdbcTransactions.Transaction transaction)
      implements JdbcTransactions.Transaction {

    @Override
    public boolean isJoined() {
      return transaction.isJoined();
    }

    @Override
    public Connection connection() {
      return transaction.connection();
    }

    @Override
    public void setRollbackOnly() {
      transaction.setRollbackOnly();
    }

    @Override
    public boolean isRollbackOnly() {
      return transaction.isRollbackOnly();
    }
  }
}
