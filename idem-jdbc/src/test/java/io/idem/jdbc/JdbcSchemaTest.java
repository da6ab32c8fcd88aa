package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.Together;
import java.util.Collections;
import java.util.List;
import java.util.TimeZone;
import java.util.UUID;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class JdbcSchemaTest {

  @ParameterizedTest
  @EnumSource
  void everyDialectHasItsScript(Dialect dialect) {
    JdbcSchema schema = new JdbcSchema(empty(dialect), JdbcSettings.defaults());

    assertThat(getClass().getClassLoader().getResource(schema.resource())).isNotNull();
    assertThat(schema.ddl()).contains("CREATE TABLE", "COMMENT ON TABLE idem_record");
  }

  @ParameterizedTest
  @EnumSource
  void missingTableIsToldWithItsFix(Dialect dialect) {
    JdbcSchema schema = new JdbcSchema(empty(dialect), JdbcSettings.defaults());

    assertThatThrownBy(schema::check)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("idem_record")
        .hasMessageContaining(schema.resource())
        .hasMessageContaining("createIfAbsent");
  }

  @ParameterizedTest
  @EnumSource
  void otherVersionIsToldWithItsFix(Dialect dialect) {
    DataSource dataSource = empty(dialect);
    JdbcSchema schema = new JdbcSchema(dataSource, JdbcSettings.defaults());
    schema.createIfAbsent();
    new TestDatabase(dataSource, dialect)
        .execute("COMMENT ON TABLE idem_record IS 'Idem schema 99'");

    assertThatThrownBy(schema::check)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("99")
        .hasMessageContaining("a later one");
  }

  @ParameterizedTest
  @EnumSource
  void tableOfSomebodyElseIsLeftAlone(Dialect dialect) {
    DataSource dataSource = empty(dialect);
    TestDatabase database = new TestDatabase(dataSource, dialect);
    database.execute("CREATE TABLE idem_record (other INT)");
    JdbcSchema schema = new JdbcSchema(dataSource, JdbcSettings.defaults());

    assertThatThrownBy(schema::createIfAbsent).isInstanceOf(StoreUnavailableException.class);
    assertThatThrownBy(schema::check).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @EnumSource
  void manyNodesMayCreateAtOnce(Dialect dialect) {
    DataSource dataSource = empty(dialect);
    for (int round = 0; round < 15; round++) {
      JdbcSettings settings = JdbcSettings.defaults().withTable("idem_record_" + round);
      Callable<Boolean> create =
          () -> {
            new JdbcSchema(dataSource, settings).createIfAbsent();
            return true;
          };

      assertThat(Together.run(Collections.nCopies(6, create))).hasSize(6);
    }
  }

  @ParameterizedTest
  @EnumSource
  void tableMayHaveAnotherNameAndSchema(Dialect dialect) {
    DataSource dataSource = empty(dialect);
    new TestDatabase(dataSource, dialect).execute("CREATE SCHEMA ops");
    for (String table : List.of("ops.idem_record", "Keys_2", "ops.keys")) {
      JdbcSettings settings = JdbcSettings.defaults().withTable(table);
      JdbcSchema schema = new JdbcSchema(dataSource, settings);
      assertThatThrownBy(schema::check).hasMessageContaining(table);
      schema.createIfAbsent();
      schema.createIfAbsent();

      var request = Requests.claimOf(Requests.newId());
      assertThat(new JdbcIdempotencyStore(dataSource, settings).claim(request))
          .isInstanceOf(Claim.Acquired.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "a;b", "a.b.c", "\"a\"", "a--", "1a", ".a", "a.", "\u00e4"})
  void tableIsAPlainIdentifier(String table) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JdbcSettings.defaults().withTable(table))
        .withMessageContaining("plain identifier");
  }

  @Test
  void unknownDatabaseIsRefusedByName() {
    assertThatThrownBy(() -> Dialect.of("Oracle", 23, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Oracle")
        .hasMessageContaining("PostgreSQL")
        .hasMessageContaining("H2");
    assertThatThrownBy(() -> Dialect.of("H2", 2, 2)).isInstanceOf(IllegalStateException.class);
    assertThat(Dialect.of("H2", 3, 0)).isEqualTo(Dialect.H2);
  }

  @ParameterizedTest
  @EnumSource
  void timesAreTheDatabasesEpochWhateverTheZone(Dialect dialect) {
    TimeZone before = TimeZone.getDefault();
    try {
      TimeZone.setDefault(TimeZone.getTimeZone("America/St_Johns"));
      DataSource dataSource = empty(dialect);
      new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
      new JdbcIdempotencyStore(dataSource).claim(Requests.claimOf(Requests.newId()));

      String created =
          new TestDatabase(dataSource, dialect).text("SELECT created_at FROM idem_record");
      // Here the database's clock is this machine's.
      assertThat(Math.abs(Long.parseLong(created) - System.currentTimeMillis())).isLessThan(60_000);
    } finally {
      TimeZone.setDefault(before);
    }
  }

  @ParameterizedTest
  @EnumSource
  void rowsWithoutAnAnswerAreSmall(Dialect dialect) {
    DataSource dataSource = empty(dialect);
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    TestDatabase database = new TestDatabase(dataSource, dialect);
    JdbcTransactionalStore store = new JdbcTransactionalStore(dataSource);
    String described = "SELECT count(*) FROM idem_record WHERE idempotency_key IS NOT NULL";

    store.inTransaction(
        scope ->
            scope.claimCompleted(
                Requests.claimOf(Requests.newId()), StoredOutcome.done(), Requests.LEASE));
    assertThat(database.number(described)).isZero();
    assertThat(
            database.number(
                "SELECT count(*) FROM idem_record WHERE owner_token IS NULL AND lease_until IS NULL"
                    + " AND created_at IS NULL AND outcome IS NULL"))
        .isEqualTo(1);

    store.inTransaction(scope -> scope.claim(Requests.claimOf(Requests.newId()), Requests.LEASE));
    new JdbcIdempotencyStore(dataSource).claim(Requests.claimOf(Requests.newId()));
    new JdbcIdempotencyStore(dataSource, JdbcSettings.defaults().withStoreLabels(false))
        .claim(Requests.claimOf(Requests.newId()));
    assertThat(database.number(described)).isEqualTo(2);
  }

  private static DataSource empty(Dialect dialect) {
    if (dialect == Dialect.POSTGRESQL) {
      return TestPostgres.shared().newDatabase();
    }
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    return dataSource;
  }
}
