package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.guard.Locked;
import io.idem.jdbc.JdbcTransactions;
import java.sql.SQLException;
import java.time.Duration;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;

/** Where guards come from. */
class JdbcGuardsTest {

  @Test
  void anUnknownDatabaseIsRefused() {
    assertThatIllegalStateException()
        .isThrownBy(() -> JdbcGuards.of(Meddling.called(Backend.H2.empty(), "Oracle")))
        .withMessageContaining("Oracle");
  }

  @Test
  void aDatabaseThatCannotBeReachedIsTold() {
    JdbcDataSource nowhere = new JdbcDataSource();
    nowhere.setURL("jdbc:h2:mem:nowhere;IFEXISTS=TRUE");

    assertThatThrownBy(() -> JdbcGuards.of(nowhere))
        .hasMessageStartingWith("Getting a connection for a transaction")
        .hasCauseInstanceOf(SQLException.class);
  }

  @Test
  void guardsJoinWhateverManagesTransactions() {
    TestDatabase database = TestDatabase.of(Backend.H2);
    database.execute("INSERT INTO account VALUES (1, 0)");

    database.rollingBack(
        connection -> {
          JdbcGuards guards = JdbcGuards.of(JdbcTransactions.joining(connection));
          return guards.rows("account", "id").run(1, Duration.ZERO, RowLockCases::increase);
        });

    assertThat(database.number("SELECT balance FROM account")).isZero();
  }

  /** H2 keeps plain names as it is told to. */
  @Test
  void plainNamesAreFoundInTheCaseOfTheDatabase() {
    for (String mode : new String[] {"DATABASE_TO_UPPER=FALSE", "DATABASE_TO_LOWER=TRUE"}) {
      JdbcDataSource dataSource = new JdbcDataSource();
      dataSource.setURL("jdbc:h2:mem:" + mode + ";DB_CLOSE_DELAY=-1;" + mode);
      TestDatabase database =
          new TestDatabase(Backend.H2, dataSource, new java.util.concurrent.atomic.AtomicLong());
      database.execute("CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT)");

      assertThat(
              database.guards().rows("account", "id").run(1, Duration.ZERO, RowLockCases::increase))
          .isEqualTo(new Locked.NotFound<>());
    }
  }
}
