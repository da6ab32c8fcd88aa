package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.fail;

import io.idem.core.BatchBody;
import io.idem.core.Decision;
import io.idem.core.DecisionEvent;
import io.idem.core.Execution;
import io.idem.core.FailureMapping;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a database refuses at the commit is the work's failure, and no outage of the store. */
class RefusedCommitTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("k");

  private final TestDatabase database = TestDatabase.postgresql();
  private final CountingDataSource pool = database.counting(1, true);
  private final List<DecisionEvent> events = new CopyOnWriteArrayList<>();
  private final Idempotency engine =
      Idempotency.builder()
          .transactionalStore(database.transactional(pool))
          .listener(events::add)
          .build();

  @AfterEach
  void close() {
    engine.close();
  }

  /** How work comes to write what cannot be committed. */
  enum Work {
    /** A constraint that is checked at the end. */
    DEFERRED("23505") {
      @Override
      void in(Connection connection) {
        TestDatabase.execute(connection, "INSERT INTO late VALUES ('x'), ('x')");
      }
    },
    /** A rule of the application's in a trigger that fires at the end. */
    TRIGGER("P0001") {
      @Override
      void in(Connection connection) {
        TestDatabase.execute(connection, "INSERT INTO balanced VALUES (1)");
      }
    },
    /** The same error as that by which the last write tells that its record has gone. */
    DIVIDING("22012") {
      @Override
      void in(Connection connection) {
        TestDatabase.execute(connection, "INSERT INTO divided VALUES (1)");
      }
    },
    /** An error that the work took for an answer, which PostgreSQL does not. */
    SWALLOWED("25P02") {
      @Override
      void in(Connection connection) {
        assertThatThrownBy(() -> TestDatabase.execute(connection, "INSERT INTO nowhere VALUES (1)"))
            .isInstanceOf(AssertionError.class);
      }
    };

    private final String state;

    Work(String state) {
      this.state = state;
    }

    abstract void in(Connection connection);

    static void prepare(TestDatabase database) {
      database.execute("CREATE TABLE late (name VARCHAR(32) UNIQUE DEFERRABLE INITIALLY DEFERRED)");
      database.execute("CREATE TABLE balanced (amount INT)");
      database.execute(
          "CREATE FUNCTION balance() RETURNS trigger LANGUAGE plpgsql AS"
              + " $$ BEGIN RAISE EXCEPTION 'does not balance'; END $$");
      database.execute(
          "CREATE CONSTRAINT TRIGGER balance AFTER INSERT ON balanced"
              + " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance()");
      database.execute("CREATE TABLE divided (amount INT)");
      database.execute(
          "CREATE FUNCTION divide() RETURNS trigger LANGUAGE plpgsql AS"
              + " $$ BEGIN PERFORM 1 / (NEW.amount - 1); RETURN NULL; END $$");
      database.execute(
          "CREATE CONSTRAINT TRIGGER divide AFTER INSERT ON divided"
              + " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION divide()");
    }
  }

  @ParameterizedTest
  @EnumSource
  void anOperationWithoutAnAnswerHasFailed(Work work) {
    Work.prepare(database);
    Operation<Void> operation = engine.operation("book").build();
    assertRefused(
        work,
        () -> operation.execute(KEY, attempt -> done(attempt.unwrap(Connection.class), work)));
    assertThat(operation.execute(KEY, attempt -> null)).isInstanceOf(Execution.Ran.class);
  }

  /** Whose last statement commits by the way. */
  @ParameterizedTest
  @EnumSource
  void anOperationWithAnAnswerHasFailed(Work work) {
    Work.prepare(database);
    Operation<String> operation = engine.operation("pay", String.class).build();
    assertRefused(
        work,
        () ->
            operation.execute(
                KEY,
                attempt -> {
                  done(attempt.unwrap(Connection.class), work);
                  return "paid";
                }));
    assertThat(operation.execute("k", () -> "again")).isInstanceOf(Execution.Ran.class);
  }

  @ParameterizedTest
  @EnumSource
  void aBatchHasFailed(Work work) {
    Work.prepare(database);
    Operation<String> operation = engine.operation("pay", String.class).build();
    assertRefused(
        work,
        () ->
            operation.executeAll(
                List.of(KEY),
                BatchBody.each(
                    item -> {
                      done(item.attempt().unwrap(Connection.class), work);
                      return "paid";
                    })));
    assertThat(operation.execute("k", () -> "again")).isInstanceOf(Execution.Ran.class);
  }

  @ParameterizedTest
  @EnumSource
  void anInnerTransactionIsRefusedWithItsOuter(Work work) {
    Work.prepare(database);
    JdbcTransactions transactions = JdbcTransactions.nesting(pool);
    Throwable thrown =
        catchThrowable(
            () ->
                transactions.inTransaction(
                    outer -> transactions.inTransaction(inner -> done(inner.connection(), work))));
    assertThat(thrown)
        .isInstanceOf(CommitRefusedException.class)
        .cause()
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(work.state));
  }

  /** Of a transaction that a caller of plain JDBC commits, only its end is ours. */
  @Test
  void aJoinedTransactionThatCannotGoOnIsTheWorksFailureToo() {
    database.inTransaction(
        connection -> {
          try (Idempotency joining =
              Idempotency.builder().transactionalStore(database.joining(connection)).build()) {
            assertThatThrownBy(
                    () ->
                        joining
                            .operation("book")
                            .build()
                            .execute(
                                KEY,
                                attempt -> done(attempt.unwrap(Connection.class), Work.SWALLOWED)))
                .isInstanceOf(CommitRefusedException.class);
            assertThatThrownBy(
                    () ->
                        joining
                            .operation("pay", String.class)
                            .build()
                            .execute(
                                KEY,
                                attempt -> {
                                  done(attempt.unwrap(Connection.class), Work.SWALLOWED);
                                  return "paid";
                                }))
                .isInstanceOf(CommitRefusedException.class);
          }
          TestDatabase.execute(connection, "SELECT 1"); // what the caller did before is there
          return false;
        });
  }

  /** Of a pool that does not give its driver's connections away. */
  @Test
  void theServerIsAskedWhereTheDriverCannotBe() {
    JdbcTransactions transactions = JdbcTransactions.of(instead(RefusedCommitTest::hidden));
    assertThatThrownBy(
            () ->
                transactions.inTransaction(
                    transaction -> done(transaction.connection(), Work.SWALLOWED)))
        .isInstanceOf(CommitRefusedException.class);
    transactions.inTransaction(
        transaction -> {
          TestDatabase.execute(transaction.connection(), "INSERT INTO effect VALUES ('x')");
          return null;
        });
    assertThat(database.number("SELECT count(*) FROM effect")).isOne();
  }

  /** As in a server that loads its pool and its applications apart. */
  @Test
  void theDriverIsFoundAlsoWhereThePoolDoesNotSeeIt() {
    List<String> asked = new ArrayList<>();
    JdbcTransactions transactions =
        JdbcTransactions.of(
            instead(
                (connection, name) -> {
                  if (name.equals("unwrap")) {
                    asked.add(name);
                    return asked.size() == 1
                        ? Instead.proxy(Connection.class, connection, (itself, method) -> null)
                        : null;
                  }
                  return name.equals("createStatement")
                      ? fail("The server is asked, and not the driver")
                      : null;
                }));
    transactions.inTransaction(transaction -> null);
    assertThat(asked).containsExactly("unwrap", "unwrap");
  }

  /** What the last write has committed already is not asked about. */
  @Test
  void theServerIsNotAskedWhereNothingIsLeftToCommit() {
    List<String> asked = new ArrayList<>();
    DataSource hiding =
        Instead.proxy(
            DataSource.class,
            pool,
            (target, method) ->
                method.equals("getConnection")
                    ? Instead.proxy(
                        Connection.class,
                        pool.getConnection(),
                        (connection, name) -> {
                          if (name.equals("createStatement")) {
                            asked.add(name);
                          }
                          return hidden(connection, name);
                        })
                    : null);
    try (Idempotency hidden =
        Idempotency.builder().transactionalStore(database.transactional(hiding)).build()) {
      Operation<String> pay = hidden.operation("pay", String.class).build();
      pay.execute("warm", () -> "up");
      asked.clear();
      pool.takeExecuted();
      pay.execute("k", () -> "paid");
      assertThat(pool.takeExecuted()).as("claim, last write, and a commit of nothing").hasSize(3);
      assertThat(asked).isEmpty();
    }
  }

  private static Object hidden(Connection connection, String method) throws SQLException {
    return switch (method) {
      case "isWrapperFor" -> false;
      case "unwrap" -> throw new SQLException("Nothing is given away");
      default -> null;
    };
  }

  @Test
  void aRefusalThatIsRecordedIsToldToRepeats() {
    Work.prepare(database);
    Operation<String> operation =
        engine
            .operation("pay", String.class)
            .recordFailure(
                FailureMapping.ofMessage(
                    "refused",
                    CommitRefusedException.class,
                    message -> new CommitRefusedException(message, null)))
            .build();
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(
              () ->
                  operation.execute(
                      KEY,
                      attempt -> {
                        done(attempt.unwrap(Connection.class), Work.DEFERRED);
                        return "paid";
                      }))
          .isInstanceOf(CommitRefusedException.class);
    }
    assertThat(events)
        .extracting(DecisionEvent::decision)
        .containsExactly(Decision.FAILED, Decision.REPLAYED);
  }

  /** The outcome is certain, so there is nothing that would have to end with the connection. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "23505", "23000", "44000", "22003", "27000", "40002", "P0001", "25P02", "40001", "40P01"
      })
  void aConnectionWhoseTransactionWasRolledBackIsUsedAgain(String state) {
    List<String> ends = new ArrayList<>();
    JdbcTransactions transactions =
        JdbcTransactions.of(failing(new SQLException("refused", state), ends));
    assertThatThrownBy(() -> transactions.inTransaction(transaction -> null))
        .isInstanceOf(
            state.matches("40001|40P01")
                ? StoreConflictException.class
                : CommitRefusedException.class)
        .hasCauseInstanceOf(SQLException.class);
    assertThat(ends).containsExactly("commit", "rollback", "close");
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "none",
      value = {"08007", "08006", "40003", "57P01", "57014", "HY000", "53100", "none"})
  void aCommitWhoseOutcomeIsUnknownIsAnOutage(String state) {
    List<String> ends = new ArrayList<>();
    JdbcTransactions transactions =
        JdbcTransactions.of(failing(new SQLException("cut", state), ends));
    assertThatThrownBy(() -> transactions.inTransaction(transaction -> null))
        .isExactlyInstanceOf(StoreUnavailableException.class)
        .hasMessageContaining("may or may not have taken effect");
    assertThat(ends).containsExactly("commit", "abort", "close");
  }

  private static Void done(Connection connection, Work work) {
    work.in(connection);
    return null;
  }

  private void assertRefused(Work work, Runnable call) {
    Throwable thrown = catchThrowable(call::run);
    assertThat(thrown)
        .isInstanceOf(CommitRefusedException.class)
        .cause()
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(work.state));
    assertThat(events).extracting(DecisionEvent::decision).containsExactly(Decision.FAILED);
    assertThat(database.number("SELECT count(*) FROM idem_record")).isZero();
    assertThat(database.number("SELECT count(*) FROM late")).isZero();
    assertThat(pool.openConnections()).isZero();
    assertThat(pool.openStatements()).isZero();
    assertThat(pool.leftOver()).isEmpty();
  }

  /** A database whose commit fails, and what its connection is told in the end. */
  private DataSource failing(SQLException failure, List<String> ends) {
    return instead(
        (connection, name) -> {
          if (List.of("commit", "rollback", "abort", "close").contains(name)) {
            ends.add(name);
          }
          if (name.equals("commit")) {
            throw failure;
          }
          return null;
        });
  }

  private DataSource instead(Instead<Connection> instead) {
    return Instead.proxy(
        DataSource.class,
        database.dataSource(),
        (target, method) ->
            method.equals("getConnection")
                ? Instead.proxy(Connection.class, database.dataSource().getConnection(), instead)
                : null);
  }
}
