package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.LogPositions.Partition;
import io.idem.core.store.LogPositions.Position;
import io.idem.core.store.LogPositions.Scope;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.testkit.Together;
import java.sql.Connection;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Positions on every database: of two readers of one partition, one commits. */
@ParameterizedClass
@EnumSource(names = {"H2", "POSTGRESQL", "MARIADB", "MARIADB_PREPARED", "MYSQL"})
class JdbcLogPositionsTest {

  private static final Position START = new Position("topic-id", 7);

  private final Partition partition = new Partition("billing", "orders", 3);
  private final TestDatabase database;
  private final JdbcSchema schema;
  private final JdbcLogPositions positions;

  JdbcLogPositionsTest(Backend backend) {
    database = backend.prepared();
    schema =
        JdbcSchema.ofPositions(
            database.dataSource(), database.dialect(), JdbcLogPositions.DEFAULT_TABLE);
    schema.createIfAbsent();
    positions = onNesting(JdbcTransactions.nesting(database.dataSource()));
  }

  private JdbcLogPositions onNesting(JdbcTransactions transactions) {
    return new JdbcLogPositions(
        transactions, database.dialect(), JdbcLogPositions.DEFAULT_TABLE, Duration.ofSeconds(30));
  }

  @Test
  void theTableIsMadeOnceAndTakenForNoOther() {
    schema.createIfAbsent();
    schema.check();

    assertThat(getClass().getClassLoader().getResource(schema.resource())).isNotNull();
    assertThat(schema.ddl()).contains("CREATE TABLE", "Idem positions schema 1");
    assertThatThrownBy(
            () ->
                JdbcSchema.ofPositions(database.dataSource(), database.dialect(), "idem_record")
                    .check())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(schema.resource());
    assertThat(JdbcSchema.ofPositions(database.dataSource(), database.dialect(), "other_1").ddl())
        .contains("CREATE TABLE", " other_1 ")
        .doesNotContain("idem_log_position");
  }

  @Test
  void whereAReaderBeginsIsWrittenOnce() {
    assertThat(positions.read(List.of(partition))).isEmpty();
    List<Position> begun =
        Together.run(
            Collections.nCopies(
                4,
                () -> positions.begin(partition, new Position(UUID.randomUUID().toString(), 1))));

    assertThat(begun).containsOnly(begun.get(0));
    assertThat(positions.begin(partition, START)).isEqualTo(begun.get(0));
    Partition upper = new Partition("Billing", "orders", 3);
    Partition padded = new Partition("billing ", "orders", 3);
    assertThat(positions.read(List.of(partition, upper, padded)))
        .isEqualTo(Map.of(partition, begun.get(0)));
  }

  @Test
  void aPositionMovesWithTheEffectsFromWhereItIs() {
    positions.begin(partition, START);

    assertThat(advanced(START, 9, "first")).isTrue();
    assertThat(advanced(START, 12, "a zombie's")).isFalse();
    assertThat(advanced(new Position("another topic", 9), 12, "of another topic")).isFalse();
    assertThatIllegalArgumentException().isThrownBy(() -> advanced(START, 7, "backwards"));

    assertThat(positions.read(List.of(partition)))
        .isEqualTo(Map.of(partition, new Position("topic-id", 9)));
    assertThat(database.text("SELECT MAX(name) FROM effect")).isEqualTo("first");
    assertThat(database.number("SELECT count(*) FROM effect")).isEqualTo(1);
  }

  @Test
  void ofTwoThatAdvanceAtOnceOneCommits() throws Exception {
    positions.begin(partition, START);
    CompletableFuture<Boolean> second =
        positions.<CompletableFuture<Boolean>, RuntimeException>inTransaction(
            scope -> {
              write(scope, "first");
              assertThat(scope.advance(partition, START, 8)).isTrue();
              CompletableFuture<Boolean> rival =
                  CompletableFuture.supplyAsync(() -> advancedOrConflict(START, 8, "second"));
              Together.await("a rival that waits", () -> database.waiting() > 0);
              return rival;
            });

    assertThat(second.get(60, TimeUnit.SECONDS)).isFalse();
    assertThat(database.number("SELECT count(*) FROM effect")).isEqualTo(1);
  }

  @Test
  void itCostsOneStatement() {
    positions.begin(partition, START);
    CountingDataSource pool = database.counting(1, true);
    JdbcLogPositions counted = onNesting(JdbcTransactions.of(pool));
    pool.takeExecuted();

    assertThat(
            counted.<Boolean, RuntimeException>inTransaction(
                scope -> scope.advance(partition, START, 500)))
        .isTrue();

    assertThat(pool.takeExecuted()).hasSize(2).last().isEqualTo("commit");
    assertThat(pool.openConnections()).isZero();
    assertThat(pool.openStatements()).isZero();
    assertThat(pool.leftOver()).isEmpty();
  }

  @Test
  void whatAnInnerTransactionRefusesTheOuterDoesNotCommit() {
    positions.begin(partition, START);

    assertThatThrownBy(
            () ->
                positions.<Boolean, RuntimeException>inTransaction(
                    scope -> {
                      write(scope, "outer");
                      assertThatThrownBy(
                              () ->
                                  positions.<Void, IllegalStateException>inTransaction(
                                      inner -> {
                                        throw new IllegalStateException("inner");
                                      }))
                          .hasMessage("inner");
                      return scope.advance(partition, START, 8);
                    }))
        .isInstanceOf(StoreUnavailableException.class)
        .hasMessageContaining("rolled back");

    assertThat(database.number("SELECT count(*) FROM effect")).isZero();
    assertThat(positions.read(List.of(partition))).containsValue(START);
  }

  private boolean advanced(Position from, long next, String effect) {
    return positions.<Boolean, RuntimeException>inTransaction(
        scope -> {
          write(scope, effect);
          return scope.advance(partition, from, next);
        });
  }

  /** A stricter isolation level tells by an error that the row has changed. */
  private boolean advancedOrConflict(Position from, long next, String effect) {
    try {
      return advanced(from, next, effect);
    } catch (StoreConflictException e) {
      return false;
    }
  }

  private static void write(Scope scope, String effect) {
    TestDatabase.execute(
        scope.unwrap(Connection.class),
        "INSERT INTO effect VALUES ('" + effect.replace("'", "''") + "')");
  }
}
