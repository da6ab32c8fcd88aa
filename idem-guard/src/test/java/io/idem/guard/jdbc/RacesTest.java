package io.idem.guard.jdbc;

import static io.idem.guard.jdbc.Purchase.PAID;
import static io.idem.guard.jdbc.Purchase.PENDING;
import static io.idem.guard.jdbc.Purchase.SHIPPED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.guard.Insertion;
import io.idem.guard.Locked;
import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.guard.VersionWrite;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What happens between two statements of a guard, where a database lets it happen. */
class RacesTest {

  private static final StateMachine<Purchase> MACHINE =
      StateMachine.ordered(PENDING, PAID, SHIPPED)
          .without(Purchase.DELIVERED, Purchase.CANCELLED)
          .build();

  /** Runs something once, before the first statement that begins so. */
  private static DataSource meddling(TestDatabase database, String beginning, String rival) {
    AtomicBoolean done = new AtomicBoolean();
    return Meddling.before(
        database.dataSource(),
        (connection, statement) -> {
          if (statement.startsWith(beginning) && done.compareAndSet(false, true)) {
            database.execute(rival);
          }
        });
  }

  /** InnoDB has locked the row by then, here and below. */
  @ParameterizedTest
  @EnumSource(names = {"H2", "POSTGRESQL"})
  void aStateThatChangesBeforeItIsReadIsDecidedUnderALock(Backend backend) {
    TestDatabase database = TestDatabase.of(backend);
    database.execute("INSERT INTO purchase (id, state) VALUES (1, 'PENDING')");
    DataSource between =
        meddling(database, "SELECT", "UPDATE purchase SET state = 'PAID' WHERE id = 1");

    Transition<Purchase> answer =
        JdbcGuards.of(between).states(MACHINE, StateTable.of("purchase")).transition(1, SHIPPED);

    assertThat(answer).isEqualTo(new Transition.Applied<>(SHIPPED));
    assertThat(database.text("SELECT state FROM purchase")).isEqualTo("SHIPPED");
  }

  @ParameterizedTest
  @EnumSource(names = {"H2", "POSTGRESQL"})
  void aVersionThatChangesBeforeItIsReadIsDecidedUnderALock(Backend backend) {
    TestDatabase database = TestDatabase.of(backend);
    database.execute("INSERT INTO shipment (id, version) VALUES ('a', 9), ('b', 9)");
    VersionTable table = VersionTable.of("shipment", "status");
    String back = "UPDATE shipment SET version = 3 WHERE id = ";

    assertThat(
            JdbcGuards.of(meddling(database, "SELECT", back + "'a'"))
                .versions(table)
                .newestWins("a", 5, Map.of("status", "new")))
        .isEqualTo(new VersionWrite.Applied(5));
    assertThat(
            JdbcGuards.of(meddling(database, "SELECT", back + "'b'"))
                .versions(table)
                .compareAndSet("b", 3, Map.of("status", "new")))
        .isEqualTo(new VersionWrite.Applied(4));
    assertThat(database.text("SELECT version FROM shipment WHERE id = 'b'")).isEqualTo("4");
  }

  @ParameterizedTest
  @EnumSource(names = {"H2", "POSTGRESQL"})
  void aNumberThatGoesBeforeItIsReadIsInserted(Backend backend) {
    TestDatabase database = TestDatabase.of(backend);
    database.execute("INSERT INTO invoice (tenant, number) VALUES ('t', 'n')");
    DataSource between = meddling(database, "SELECT", "DELETE FROM invoice");

    Insertion<?> answer =
        JdbcGuards.of(between)
            .numbers(NumberTable.of("invoice", "tenant", "number"))
            .insert(Map.of("tenant", "t", "number", "n"));

    assertThat(answer.isInserted()).isTrue();
    assertThat(database.number("SELECT count(*) FROM invoice")).isEqualTo(1);
  }

  /** Whatever the reason: the rows are in, and an answer would say that they are not. */
  @Test
  void aWaitInVainAfterAnInsertIsNoAnswer() {
    TestDatabase database = TestDatabase.of(Backend.MARIADB);
    DataSource slow =
        Meddling.before(
            database.dataSource(),
            (connection, statement) -> {
              if (statement.contains("LOCK IN SHARE MODE")) {
                throw new SQLException("Lock wait timeout exceeded", "HY000", 1205);
              }
            });
    UniqueNumber<?> guard =
        JdbcGuards.of(slow).numbers(NumberTable.of("invoice", "tenant", "number"));

    assertThatExceptionOfType(GuardBusyException.class)
        .isThrownBy(
            () ->
                guard.insertAll(
                    List.of(
                        Map.of("tenant", "t", "number", "a"),
                        Map.of("tenant", "t", "number", "b"))));
    assertThat(database.number("SELECT count(*) FROM invoice")).isZero();
  }

  /** The session is ended, and its name with it, rather than given back to a pool. */
  @Test
  void aNameThatCannotBeReleasedEndsItsSession() {
    TestDatabase database = TestDatabase.of(Backend.MARIADB);
    try (HikariDataSource pool = database.pool(2)) {
      KeyLock broken =
          JdbcGuards.of(
                  Meddling.before(
                      pool,
                      (connection, statement) -> {
                        if (statement.startsWith("SELECT RELEASE_LOCK")) {
                          throw new SQLException("The network is gone");
                        }
                      }))
              .keys("test");

      // What was committed is told all the same.
      assertThat(broken.run("key", Duration.ZERO, (key, connection) -> key))
          .isEqualTo(new Locked.Ran<>("key"));

      KeyLock lock = JdbcGuards.of(pool).keys("test");
      assertThat(lock.run("key", Duration.ofSeconds(10), (key, connection) -> key))
          .isEqualTo(new Locked.Ran<>("key"));
    }
  }

  @Test
  void aNameThatMayHaveBeenTakenIsLetGoOrItsSessionEnded() {
    TestDatabase database = TestDatabase.of(Backend.MARIADB);
    List<String> statements = new ArrayList<>();
    KeyLock broken =
        JdbcGuards.of(
                Meddling.before(
                    database.dataSource(),
                    (connection, statement) -> {
                      statements.add(statement);
                      if (statement.startsWith("SELECT GET_LOCK")) {
                        throw new SQLException("The answer was lost");
                      }
                    }))
            .keys("test");

    assertThatExceptionOfType(RuntimeException.class)
        .isThrownBy(() -> broken.run("key", Duration.ZERO, (key, connection) -> key));

    assertThat(statements).endsWith("SELECT GET_LOCK(?, ?)", "SELECT RELEASE_LOCK(?)");
  }
}
