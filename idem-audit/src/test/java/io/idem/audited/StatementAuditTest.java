package io.idem.audited;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.audit.AuditingDataSource;
import io.idem.audit.EntryPoints;
import io.idem.audit.IdempotencyAudit;
import io.idem.audit.OperationTracker;
import io.idem.audit.StatementAudit;
import io.idem.audit.StatementFinding;
import io.idem.audit.StatementKind;
import io.idem.audit.Verdict;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.guard.StateMachine;
import io.idem.guard.jdbc.HistoryTable;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.StateTable;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.h2.jdbc.JdbcConnection;
import org.h2.jdbc.JdbcResultSet;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Statements of a business on H2, behind a pool. */
class StatementAuditTest {

  private final HikariDataSource pool = new HikariDataSource();
  private final OperationTracker operations = new OperationTracker();
  private StatementAudit audit = StatementAudit.builder(operations).build();
  private AuditingDataSource dataSource;
  private Shop shop;
  private Idempotency idempotency;

  private enum State {
    NEW,
    PAID
  }

  @BeforeEach
  void prepare() {
    pool.setJdbcUrl("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    pool.setMaximumPoolSize(4);
    use(audit);
    new JdbcSchema(pool, JdbcSettings.defaults()).createIfAbsent();
    new Shop(pool).schema();
    idempotency =
        Idempotency.builder()
            .store(new JdbcIdempotencyStore(dataSource))
            .transactionalStore(new JdbcTransactionalStore(dataSource))
            .listener(operations)
            .build();
  }

  private void use(StatementAudit other) {
    audit = other;
    dataSource = new AuditingDataSource(pool, other);
    shop = new Shop(dataSource);
  }

  @AfterEach
  void stop() {
    idempotency.close();
    pool.close();
  }

  private Operation<String> operation(Mode mode) {
    return idempotency.operation("pay-" + mode, String.class).mode(mode).build();
  }

  private List<String> places() {
    return audit.findings().stream().map(finding -> finding.callSite().method()).toList();
  }

  @Test
  void aRelativeUpdateOutsideIsFoundWithItsPlaceAndReason() {
    shop.debit(5);
    shop.debit(6);

    assertThat(audit.findings())
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.callSite().method()).isEqualTo("io.idem.audited.Shop.update");
              assertThat(finding.callSite().line()).startsWith("Shop.java:");
              assertThat(finding.sql()).isEqualTo(Shop.DEBIT);
              assertThat(finding.classification().verdict()).isEqualTo(Verdict.NOT_IDEMPOTENT);
              assertThat(finding.times()).isEqualTo(2);
              assertThat(finding.toString()).contains("balance is computed from its old value");
            });
  }

  /** The audit fails no statement, whatever is in it. */
  @Test
  void aLiteralWithoutEndIsNoLongReason() throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE long_text (id INT PRIMARY KEY, note VARCHAR(30000))");

      statement.execute("UPDATE long_text SET note = 'now " + "1".repeat(19_000) + "'");
    }
    assertThat(audit.findings())
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.classification().reason())
                    .isEqualTo("note is set to ?, which differs at each execution"));
  }

  @ParameterizedTest
  @EnumSource
  void insideAnOperationNothingIsFoundAndIdemsOwnStatementsNeverAre(Mode mode) {
    Operation<String> pay = operation(mode);

    pay.execute(
        "order-1",
        () -> {
          shop.debit(5);
          shop.log("paid");
          return "done";
        });
    pay.execute("order-1", () -> "again");

    assertThat(audit.statementsSeen()).isGreaterThan(3);
    assertThat(audit.findings()).isEmpty();

    shop.log("afterwards");
    assertThat(places()).containsExactly("io.idem.audited.Shop.update");
  }

  @Test
  void insideABatchAndAnAsynchronousBodyNothingIsFound() {
    operation(Mode.TRANSACTIONAL)
        .executeAll(
            List.of(IdempotentRequest.of("a"), IdempotentRequest.of("b")),
            fresh -> {
              fresh.forEach(item -> shop.debit(1));
              return fresh.stream().map(item -> "done").toList();
            });
    operation(Mode.LEASED)
        .executeAsync(
            IdempotentRequest.of("c"),
            attempt -> {
              shop.debit(1);
              return CompletableFuture.completedFuture("done");
            })
        .toCompletableFuture()
        .join();

    assertThat(audit.findings()).isEmpty();
  }

  @Test
  void anOperationReachesOtherThreadsWhereItIsCarriedThere() throws Exception {
    ExecutorService threads = Executors.newSingleThreadExecutor();
    try {
      operation(Mode.LEASED)
          .execute(
              "order-1",
              () -> {
                CompletableFuture.runAsync(() -> shop.debit(1), operations.carrying(threads))
                    .join();
                return "done";
              });
      assertThat(audit.findings()).isEmpty();

      operation(Mode.LEASED)
          .execute(
              "order-2",
              () -> {
                CompletableFuture.runAsync(() -> shop.log("lost"), threads).join();
                return "done";
              });
      assertThat(places()).containsExactly("io.idem.audited.Shop.update");
      CompletableFuture.runAsync(() -> assertThat(operations.isInside()).isFalse(), threads).join();
    } finally {
      threads.shutdown();
      assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void guardsAreNotFoundNorIsTheirHistory() {
    var states =
        JdbcGuards.of(dataSource)
            .states(
                StateMachine.ordered(State.NEW, State.PAID).build(),
                StateTable.of("account")
                    .withHistory(HistoryTable.of("account_history", "account_id", "state")));

    assertThat(states.transition(1, State.PAID).isApplied()).isTrue();
    states.transition(1, State.PAID);

    assertThat(audit.statementsSeen()).isGreaterThanOrEqualTo(3);
    assertThat(audit.findings()).isEmpty();
  }

  @Test
  void uniqueKeysAreReadFromTheDatabaseOnTheStatementsOwnConnection() {
    pool.getHikariConfigMXBean().setMaximumPoolSize(1);

    shop.order("o-1");
    assertThat(audit.findings()).isEmpty();

    shop.update("INSERT INTO purchase (total) SELECT balance FROM account WHERE 1 = 0");
    assertThat(audit.findings())
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.classification().reason())
                    .contains("(id), (number) are left out or made up"));
  }

  @Test
  void theUnknownIsFoundOnlyWhenAskedFor() {
    shop.unknown();
    assertThat(audit.findings()).isEmpty();

    use(StatementAudit.builder(operations).reportUnknown(true).build());
    shop.unknown();
    assertThat(audit.findings()).extracting(StatementFinding::sql).containsExactly("CALL ?");
  }

  @Test
  void acceptedKindsAndHarmlessColumnsAreNotFound() {
    use(
        StatementAudit.builder(operations)
            .accepting(Set.of(StatementKind.PLAIN_INSERT))
            .harmlessColumns(Set.of("version"))
            .build());

    shop.log("x");
    shop.update("UPDATE account SET owner = ?, version = version + 1 WHERE id = ?", "a", 1);
    assertThat(audit.findings()).isEmpty();
  }

  @Test
  void aBatchIsFoundOnceAndCountedByRow() {
    shop.logAll("a", "b", "c");

    assertThat(audit.findings())
        .singleElement()
        .satisfies(finding -> assertThat(finding.times()).isEqualTo(3));
  }

  @Test
  void aBatchOfTextsIsFoundTextByText() throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.addBatch("UPDATE account SET balance = balance + 1");
      statement.clearBatch();
      statement.addBatch("INSERT INTO history (what) VALUES ('x')");
      statement.addBatch("UPDATE account SET owner = 'x'");
      statement.executeBatch();
    }
    assertThat(audit.findings())
        .extracting(StatementFinding::sql)
        .containsExactly("INSERT INTO history (what) VALUES (?)");
  }

  @Test
  void whatIsFoundIsBoundedAndTheRestCounted() {
    use(StatementAudit.builder(operations).maxFindings(2).build());

    for (int i = 0; i < 5; i++) {
      shop.run("UPDATE account SET balance = balance + 1 WHERE id = 1" + " AND 1 = 1".repeat(i));
    }
    assertThat(audit.findings()).hasSize(2);
    assertThat(audit.dropped()).isEqualTo(3);
    assertThatThrownBy(
            () ->
                IdempotencyAudit.assertNothingNew(
                    new EntryPoints(List.of()), audit, Path.of("no-baseline.txt")))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("has dropped 3 executions");
    audit.clear();
    assertThat(audit.findings()).isEmpty();
  }

  @Test
  void literalsAreNeitherShownNorToldApart() {
    shop.run("INSERT INTO history (what) VALUES ('card 4111'' 1111') -- for Ann");
    shop.run("INSERT INTO history (what) VALUES ('card 4222')");
    shop.run("UPDATE account SET balance = balance + 4711, owner = owner || 'Ann' WHERE id = 42");

    assertThat(audit.findings())
        .hasSize(2)
        .allSatisfy(
            finding ->
                assertThat(finding.toString()).doesNotContainPattern("4111|4222|4711|Ann|42"))
        .anySatisfy(finding -> assertThat(finding.times()).isEqualTo(2));
  }

  @Test
  void aTableOfTheSameNameInAnotherSchemaHasItsOwnKeys() throws Exception {
    shop.order("o-1");
    assertThat(audit.findings()).isEmpty();

    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE SCHEMA other");
      statement.execute("CREATE TABLE other.purchase (number VARCHAR(20), total INT)");
      statement.execute("INSERT INTO other.purchase (number) VALUES ('o-1')");
      connection.setSchema("OTHER");
      statement.execute("INSERT INTO purchase (number) VALUES ('o-1')");
      connection.setSchema("PUBLIC");
      statement.execute("INSERT INTO purchase (number) VALUES ('o-2')");
    }
    assertThat(audit.findings())
        .extracting(StatementFinding::sql)
        .containsExactly(
            "INSERT INTO other.purchase (number) VALUES (?)",
            "INSERT INTO purchase (number) VALUES (?)");
    assertThat(audit.findings()).allMatch(finding -> finding.times() == 1);
  }

  @Test
  void ofFrameworksTheCallerIsThePlace() {
    use(StatementAudit.builder(operations).frameworks(List.of("io.idem.audited.Shop")).build());

    shop.log("x");
    assertThat(places())
        .containsExactly("io.idem.audited.StatementAuditTest.ofFrameworksTheCallerIsThePlace");
  }

  @Test
  void aStatementThatFailedIsNotFoundAndItsExceptionIsItsOwn() throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      assertThatThrownBy(() -> statement.executeUpdate("INSERT INTO nowhere (a) VALUES (1)"))
          .isExactlyInstanceOf(org.h2.jdbc.JdbcSQLSyntaxErrorException.class);
    }
    assertThat(audit.findings()).isEmpty();
  }

  @Test
  void whatIsBehindIsReachedAndWhatIsBeforeIsKept() throws Exception {
    assertThat(dataSource.unwrap(HikariDataSource.class)).isSameAs(pool);
    assertThat(dataSource.unwrap(AuditingDataSource.class)).isSameAs(dataSource);
    assertThat(dataSource.isWrapperFor(HikariDataSource.class)).isTrue();
    assertThat(dataSource.isWrapperFor(JdbcDataSource.class)).isFalse();
    try (Connection connection = dataSource.getConnection()) {
      assertThat(connection.isWrapperFor(JdbcConnection.class)).isTrue();
      assertThat(connection.unwrap(JdbcConnection.class)).isNotNull();
      assertThat(connection.unwrap(Connection.class)).isSameAs(connection);
      DatabaseMetaData metadata = connection.getMetaData();
      assertThat(metadata.getConnection()).isSameAs(connection);
      assertThat(new HashSet<>(List.of(connection, metadata))).contains(connection).hasSize(2);
      assertThat(connection.toString()).startsWith("Audited[");
      assertThatThrownBy(() -> connection.unwrap(StatementAuditTest.class))
          .isInstanceOf(SQLException.class);
      try (PreparedStatement statement =
          connection.prepareStatement(
              "INSERT INTO purchase (number) VALUES ('g')", Statement.RETURN_GENERATED_KEYS)) {
        assertThat(statement.getConnection()).isSameAs(connection);
        assertThat(statement.executeUpdate()).isEqualTo(1);
        try (ResultSet keys = statement.getGeneratedKeys()) {
          assertThat(keys.next()).isTrue();
        }
      }
      try (var call = connection.prepareCall("CALL 1")) {
        assertThat(call.execute()).isTrue();
      }
    }
  }

  @Test
  void theStatementOfRowsIsTheOneThatReadThem() throws Exception {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        PreparedStatement prepared = connection.prepareStatement("SELECT 1");
        ResultSet rows = statement.executeQuery("SELECT 1");
        ResultSet preparedRows = prepared.executeQuery()) {
      assertThat(rows.getStatement()).isSameAs(statement);
      assertThat(preparedRows.getStatement()).isSameAs(prepared);
      assertThat(rows.next()).isTrue();
      assertThat(rows.getInt(1)).isEqualTo(1);
      assertThat(rows.unwrap(JdbcResultSet.class)).isNotNull();
      statement.execute("SELECT 2");
      assertThat(statement.getResultSet().getStatement()).isSameAs(statement);

      rows.getStatement().execute("UPDATE account SET balance = balance + 1");
    }
    assertThat(audit.findings())
        .extracting(StatementFinding::sql)
        .containsExactly("UPDATE account SET balance = balance + ?");
  }

  @Test
  void theStatementOfMetadataIsAuditedToo() throws Exception {
    try (Connection connection = dataSource.getConnection();
        ResultSet tables = connection.getMetaData().getTables(null, null, "ACCOUNT", null)) {
      Statement statement = tables.getStatement();
      if (statement != null) {
        assertThat(statement.getConnection()).isSameAs(connection);
      }
      assertThat(tables.next()).isTrue();
    }
  }

  /** That there is one row at most is known from the database alone. */
  @Test
  void whichRowsAQueryTakesIsAskedOfTheDatabase() {
    use(StatementAudit.builder(operations).reportUnknown(true).build());

    shop.update(
        "UPDATE account SET owner = (SELECT p.number FROM purchase p WHERE p.number = ? LIMIT 1)"
            + " WHERE id = ?",
        "o-1",
        1);
    assertThat(audit.findings()).isEmpty();

    shop.update(
        "UPDATE account SET owner = (SELECT p.number FROM purchase p WHERE p.total > ? LIMIT 1)"
            + " WHERE id = ?",
        1,
        1);
    assertThat(audit.findings())
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.classification().kind())
                    .isEqualTo(StatementKind.NONDETERMINISTIC_WRITE));
  }
}
