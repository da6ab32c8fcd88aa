package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.List;
import java.util.TimeZone;
import java.util.UUID;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class JdbcSchemaTest {

  @ParameterizedTest
  @EnumSource
  void everyDialectHasItsScript(Backend backend) {
    JdbcSchema schema = new JdbcSchema(backend.empty(), backend.dialect(), JdbcSettings.defaults());

    assertThat(getClass().getClassLoader().getResource(schema.resource())).isNotNull();
    assertThat(schema.ddl()).contains("CREATE TABLE", "Idem schema 1");
  }

  @ParameterizedTest
  @EnumSource
  void missingTableIsToldWithItsFix(Backend backend) {
    JdbcSchema schema = new JdbcSchema(backend.empty(), backend.dialect(), JdbcSettings.defaults());

    assertThatThrownBy(schema::check)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("idem_record")
        .hasMessageContaining(schema.resource())
        .hasMessageContaining("createIfAbsent");
  }

  @ParameterizedTest
  @EnumSource
  void otherVersionIsToldWithItsFix(Backend backend) {
    DataSource dataSource = backend.empty();
    JdbcSchema schema = new JdbcSchema(dataSource, backend.dialect(), JdbcSettings.defaults());
    schema.createIfAbsent();
    new TestDatabase(dataSource, backend.dialect())
        .execute(
            backend.isInnoDb()
                ? "ALTER TABLE idem_record COMMENT 'Idem schema 99'"
                : "COMMENT ON TABLE idem_record IS 'Idem schema 99'");

    assertThatThrownBy(schema::check)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("99")
        .hasMessageContaining("a later one");
  }

  @ParameterizedTest
  @EnumSource
  void tableOfSomebodyElseIsLeftAlone(Backend backend) {
    DataSource dataSource = backend.empty();
    TestDatabase database = new TestDatabase(dataSource, backend.dialect());
    database.execute("CREATE TABLE idem_record (other INT)");
    JdbcSchema schema = new JdbcSchema(dataSource, backend.dialect(), JdbcSettings.defaults());

    assertThatThrownBy(schema::createIfAbsent).isInstanceOf(StoreUnavailableException.class);
    assertThatThrownBy(schema::check).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @EnumSource
  void manyNodesMayCreateAtOnce(Backend backend) {
    DataSource dataSource = backend.empty();
    for (int round = 0; round < 8; round++) {
      JdbcSettings settings = JdbcSettings.defaults().withTable("idem_record_" + round);
      Callable<Boolean> create =
          () -> {
            new JdbcSchema(dataSource, backend.dialect(), settings).createIfAbsent();
            return true;
          };

      assertThat(Together.run(Collections.nCopies(6, create))).hasSize(6);
    }
  }

  @ParameterizedTest
  @EnumSource
  void tableMayHaveAnotherNameAndSchema(Backend backend) {
    DataSource dataSource = backend.empty();
    // On MariaDB a schema is a database of a server that other tests use as well.
    String ops = "ops_" + UUID.randomUUID().toString().replace('-', '_');
    new TestDatabase(dataSource, backend.dialect()).execute("CREATE SCHEMA " + ops);
    for (String table : List.of(ops + ".idem_record", "Keys_2", ops + ".record_keys")) {
      JdbcSettings settings = JdbcSettings.defaults().withTable(table);
      JdbcSchema schema = new JdbcSchema(dataSource, backend.dialect(), settings);
      assertThatThrownBy(schema::check).hasMessageContaining(table);
      schema.createIfAbsent();
      schema.createIfAbsent();

      var request = Requests.claimOf(Requests.newId());
      assertThat(new JdbcIdempotencyStore(dataSource, backend.dialect(), settings).claim(request))
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
    assertThatThrownBy(() -> Dialect.of("Oracle", "23ai", 23, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Oracle")
        .hasMessageContaining("PostgreSQL")
        .hasMessageContaining("MariaDB 10.6")
        .hasMessageContaining("MySQL 8.0")
        .hasMessageContaining("H2");
    assertThat(Dialect.of("H2", "3.0.1", 3, 0)).isEqualTo(Dialect.H2);
  }

  @ParameterizedTest
  @CsvSource({
    "H2, 2.2.224, 2, 2",
    "PostgreSQL, 11.22, 11, 22",
    "MariaDB, 10.5.29-MariaDB, 10, 5",
    "MySQL, 5.5.5-10.5.29-MariaDB-log, 5, 5",
    "MySQL, 5.7.44-log, 5, 7",
    "MySQL, 8.0.11-TiDB-v7.5.1, 8, 0",
    "MySQL, 8.0.30-Vitess, 8, 0",
    "PostgreSQL, 'CockroachDB CCL v24.3.1 (x86_64-pc-linux-gnu, built 2024/12/09)', 13, 0",
    "PostgreSQL, 'PostgreSQL 15.2-YB-2.25.0.0-b489 on x86_64-pc-linux-gnu, 64-bit', 15, 2"
  })
  void oldAndForeignVersionsAreRefused(String product, String version, int major, int minor) {
    assertThatThrownBy(() -> Dialect.of(product, version, major, minor))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cannot keep records");
  }

  /** The driver calls them PostgreSQL, and knows their number only. */
  @ParameterizedTest
  @CsvSource({
    "CockroachDB CCL v24.3.1 (x86_64-pc-linux-gnu)",
    "PostgreSQL 15.2-YB-2.25.0.0-b489 on x86_64-pc-linux-gnu"
  })
  void aDatabaseThatOnlySpeaksAsPostgresIsRefused(String version) throws SQLException {
    try (Connection connection = Backend.POSTGRESQL.empty().getConnection();
        Statement statement = connection.createStatement()) {
      assertThat(Dialect.of(connection)).isEqualTo(Dialect.POSTGRESQL);
      statement.execute("CREATE SCHEMA other");
      statement.execute(
          "CREATE FUNCTION other.version() RETURNS text LANGUAGE sql AS $$ SELECT '"
              + version
              + "' $$");
      statement.execute("SET search_path = other, pg_catalog");

      assertThatThrownBy(() -> Dialect.of(connection))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("cannot keep records in " + version);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "PostgreSQL, PostgreSQL 18.0 (Debian 18.0-1.pgdg13+3) on x86_64-pc-linux-gnu, 18, 0",
    "PostgreSQL, PostgreSQL 16.4 on aarch64-unknown-linux-gnu, 16, 4"
  })
  void postgresIsKnownByItsWholeVersion(String product, String version, int major, int minor) {
    assertThat(Dialect.of(product, version, major, minor)).isEqualTo(Dialect.POSTGRESQL);
  }

  @ParameterizedTest
  @CsvSource({
    "MariaDB, 11.4.5-MariaDB, 11, 4, MARIADB",
    "MariaDB, 10.6.22-MariaDB-ubu2204, 10, 6, MARIADB",
    "MySQL, 11.4.5-MariaDB-log, 11, 4, MARIADB",
    "MySQL, 5.5.5-10.11.8-MariaDB-1:10.11.8+maria~ubu2204, 5, 5, MARIADB",
    "MySQL, 10.6.14-9-MariaDB-enterprise-log, 10, 6, MARIADB",
    "MySQL, 5.5.5-10.6.14-9-MariaDB-enterprise-log, 5, 5, MARIADB",
    "MySQL, 8.0.36, 8, 0, MYSQL",
    "MySQL, 8.4.3-0ubuntu0.24.04.1, 8, 4, MYSQL",
    "MySQL, 8.0.mysql_aurora.3.04.0, 8, 0, MYSQL"
  })
  void mariaDbIsToldFromMySqlThroughEitherDriver(
      String product, String version, int major, int minor, Dialect dialect) {
    assertThat(Dialect.of(product, version, major, minor)).isEqualTo(dialect);
  }

  @ParameterizedTest
  @EnumSource
  void dialectIsFoundOut(Backend backend) {
    boolean pretended = backend == Backend.MYSQL_STATEMENTS_ON_MARIADB;
    assertThat(Dialect.of(backend.empty()))
        .isEqualTo(pretended ? Dialect.MARIADB : backend.dialect());
  }

  @ParameterizedTest
  @EnumSource
  @ResourceLock(Resources.TIME_ZONE)
  void timesAreTheDatabasesEpochWhateverTheZone(Backend backend) {
    TimeZone before = TimeZone.getDefault();
    try {
      TimeZone.setDefault(TimeZone.getTimeZone("America/St_Johns"));
      DataSource dataSource = backend.empty();
      new JdbcSchema(dataSource, backend.dialect(), JdbcSettings.defaults()).createIfAbsent();
      new JdbcIdempotencyStore(dataSource, backend.dialect(), JdbcSettings.defaults())
          .claim(Requests.claimOf(Requests.newId()));

      String created =
          new TestDatabase(dataSource, backend.dialect())
              .text("SELECT created_at FROM idem_record");
      // Here the database's clock is this machine's.
      assertThat(Math.abs(Long.parseLong(created) - System.currentTimeMillis())).isLessThan(60_000);
    } finally {
      TimeZone.setDefault(before);
    }
  }

  @ParameterizedTest
  @EnumSource
  void rowsWithoutAnAnswerAreSmall(Backend backend) {
    DataSource dataSource = backend.empty();
    new JdbcSchema(dataSource, backend.dialect(), JdbcSettings.defaults()).createIfAbsent();
    TestDatabase database = new TestDatabase(dataSource, backend.dialect());
    JdbcTransactionalStore store = database.transactional();
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
    new JdbcIdempotencyStore(dataSource, backend.dialect(), JdbcSettings.defaults())
        .claim(Requests.claimOf(Requests.newId()));
    new JdbcIdempotencyStore(
            dataSource, backend.dialect(), JdbcSettings.defaults().withStoreLabels(false))
        .claim(Requests.claimOf(Requests.newId()));
    assertThat(database.number(described)).isEqualTo(2);
  }
}
