package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
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
