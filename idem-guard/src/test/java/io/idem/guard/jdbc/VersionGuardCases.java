package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.guard.VersionWrite;
import io.idem.testkit.Together;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What a version guard owes on every database. */
abstract class VersionGuardCases {

  private static final VersionTable TABLE = VersionTable.of("shipment", "status", "eta", "weight");

  private final TestDatabase database;

  VersionGuardCases(TestDatabase database) {
    this.database = database;
  }

  private VersionGuard guard() {
    return database.guards().versions(TABLE);
  }

  private String at(Long version) {
    String id = "shipment-" + database.nextId();
    database.execute(
        "INSERT INTO shipment (id, version, status) VALUES ('" + id + "', " + version + ", 'old')");
    return id;
  }

  private String stored(String id) {
    return database.text(
        "SELECT CONCAT(version, ' ', status) FROM shipment WHERE id = '" + id + "'");
  }

  private static Map<String, Object> status(String status) {
    return Map.of("status", status);
  }

  @Test
  void theNewestWinsAndTheRestIsToldApart() {
    String id = at(5L);

    assertThat(guard().newestWins(id, 7, status("new"))).isEqualTo(new VersionWrite.Applied(7));
    assertThat(guard().newestWins(id, 7, status("again"))).isEqualTo(new VersionWrite.Repeat(7));
    assertThat(guard().newestWins(id, 6, status("late"))).isEqualTo(new VersionWrite.Stale(7L));
    assertThat(guard().newestWins("none", 1, status("x"))).isEqualTo(new VersionWrite.NotFound());
    assertThat(stored(id)).isEqualTo("7 new");
  }

  @Test
  void aRowWithoutAVersionIsOlderThanAny() {
    String one = at(null);
    String other = at(null);

    assertThat(guard().newestWins(one, -3, status("first")).isApplied()).isTrue();
    assertThat(stored(one)).isEqualTo("-3 first");
    assertThat(guard().newestWins(List.of(new Versioned(other, 0, status("batch")))))
        .containsExactly(new VersionWrite.Applied(0));
    assertThat(guard().compareAndSet(at(null), 0, status("edit")))
        .isEqualTo(new VersionWrite.Stale(null));
  }

  @Test
  void whatMayNotBeNullIsNamed() {
    String id = at(5L);

    assertThatNullPointerException()
        .isThrownBy(() -> guard().newestWins(id, 7, null))
        .withMessage("values");
    assertThatNullPointerException()
        .isThrownBy(() -> guard().compareAndSet(id, 5, null))
        .withMessage("values");
    assertThatNullPointerException()
        .isThrownBy(() -> new Versioned(null, 7, Map.of()))
        .withMessage("id");
    assertThatNullPointerException()
        .isThrownBy(() -> new Versioned(id, 7, null))
        .withMessage("values");
    assertThat(stored(id)).isEqualTo("5 old");
  }

  @Test
  void anEditorWritesTheNextVersion() {
    String id = at(5L);

    assertThat(guard().compareAndSet(id, 5, status("edit"))).isEqualTo(new VersionWrite.Applied(6));
    assertThat(guard().compareAndSet(id, 5, status("edit"))).isEqualTo(new VersionWrite.Stale(6L));
    assertThat(guard().compareAndSet(id, 9, status("far"))).isEqualTo(new VersionWrite.Stale(6L));
    assertThat(guard().compareAndSet("none", 5, status("x")))
        .isEqualTo(new VersionWrite.NotFound());
    assertThat(stored(id)).isEqualTo("6 edit");
  }

  @Test
  void noVersionComesAfterTheLast() {
    String id = at(Long.MAX_VALUE);

    assertThatExceptionOfType(ArithmeticException.class)
        .isThrownBy(() -> guard().compareAndSet(id, Long.MAX_VALUE, status("edit")));
    assertThat(stored(id)).isEqualTo(Long.MAX_VALUE + " old");
  }

  @Test
  void valuesOfEveryTypeAndNullAreWritten() {
    String one = at(1L);
    String other = at(1L);
    Map<String, Object> values = new HashMap<>();
    values.put("status", "sent");
    values.put("eta", LocalDate.of(2026, 11, 30));
    values.put("weight", new BigDecimal("1.25"));
    Map<String, Object> nothing = new HashMap<>();
    nothing.put("status", "sent");
    nothing.put("eta", null);
    nothing.put("weight", null);

    assertThat(
            guard()
                .newestWins(
                    List.of(new Versioned(one, 2, values), new Versioned(other, 2, nothing))))
        .containsOnly(new VersionWrite.Applied(2));
    assertThat(database.text("SELECT eta FROM shipment WHERE id = '" + one + "'"))
        .isEqualTo("2026-11-30");
    assertThat(database.text("SELECT weight FROM shipment WHERE id = '" + one + "'"))
        .isEqualTo("1.25");

    guard().newestWins(one, 3, nothing);
    assertThat(database.text("SELECT weight FROM shipment WHERE id = '" + one + "'")).isNull();
    guard().newestWins(List.of(new Versioned(one, 4, values)));
    guard().newestWins(List.of(new Versioned(one, 5, nothing)));
    assertThat(database.text("SELECT eta FROM shipment WHERE id = '" + one + "'")).isNull();
    assertThat(stored(other)).isEqualTo("2 sent");
  }

  @Test
  void aBatchIsAnsweredInItsOrder() {
    String fresh = at(1L);
    String same = at(4L);
    String ahead = at(9L);

    List<VersionWrite> answers =
        guard()
            .newestWins(
                List.of(
                    new Versioned(ahead, 5, status("late")),
                    new Versioned(fresh, 2, status("second")),
                    new Versioned("none", 1, status("nobody")),
                    new Versioned(same, 4, status("again")),
                    new Versioned(fresh, 3, status("third")),
                    new Versioned(fresh, 3, status("third again")),
                    new Versioned(ahead, 4, status("later"))));

    assertThat(answers)
        .containsExactly(
            new VersionWrite.Stale(9L),
            new VersionWrite.Stale(3L),
            new VersionWrite.NotFound(),
            new VersionWrite.Repeat(4),
            new VersionWrite.Applied(3),
            new VersionWrite.Repeat(3),
            new VersionWrite.Stale(9L));
    assertThat(stored(fresh)).isEqualTo("3 third");
    assertThat(stored(same)).isEqualTo("4 old");
    assertThat(stored(ahead)).isEqualTo("9 old");
  }

  /** Where the database does not care about case, a batch must not be answered by guess. */
  @Test
  void anIdOfABatchIsGivenAsItIsStored() {
    String id = at(1L);
    List<Versioned> batch = List.of(new Versioned(id.toUpperCase(Locale.ROOT), 2, status("whose")));

    if (database.backend().isInnoDb()) {
      assertThatExceptionOfType(GuardException.class)
          .isThrownBy(() -> guard().newestWins(batch))
          .withMessageContaining("exactly as they are stored");
    } else {
      assertThat(guard().newestWins(batch)).containsExactly(new VersionWrite.NotFound());
    }
    assertThat(stored(id)).isEqualTo("1 old");
  }

  @Test
  void twoIdsOfABatchThatTheDatabaseTakesForOneAreRefused() {
    String table = "merged_" + database.nextId();
    database.execute(
        "CREATE TABLE "
            + table
            + " (id "
            + database.backend().textWithoutCase(database)
            + " PRIMARY KEY, version BIGINT, status VARCHAR(16))");
    database.execute("INSERT INTO " + table + " VALUES ('a', 1, 'old')");
    VersionGuard merged = database.guards().versions(VersionTable.of(table, "status"));

    for (List<String> ids : List.of(List.of("a", "A"), List.of("A", "a"), List.of("A", "b"))) {
      assertThatExceptionOfType(GuardException.class)
          .isThrownBy(
              () ->
                  merged.newestWins(
                      List.of(
                          new Versioned(ids.get(0), 5, status("x")),
                          new Versioned(ids.get(1), 7, status("y")))))
          .withMessageContaining("exactly as they are stored");
    }

    assertThat(database.number("SELECT version FROM " + table)).isEqualTo(1);
  }

  @Test
  void aBatchHasNoRowsOrAsManyAsItMay() {
    assertThat(guard().newestWins(List.of())).isEmpty();

    List<Versioned> most = new ArrayList<>();
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < VersionGuard.MAX_BATCH; i++) {
      String id = "bulk-" + database.nextId();
      rows.add("('" + id + "', 1)");
      most.add(new Versioned(id, 2, status("s" + i)));
    }
    database.execute("INSERT INTO shipment (id, version) VALUES " + String.join(", ", rows));

    assertThat(guard().newestWins(most)).hasSize(1000).containsOnly(new VersionWrite.Applied(2));
    assertThat(stored((String) most.get(999).id())).isEqualTo("2 s999");

    most.add(new Versioned("one more", 1, status("x")));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> guard().newestWins(most))
        .withMessageContaining("at most 1000");
  }

  /** A small table is one that a database prefers to scan. */
  @Test
  void aWriteWaitsForNobodyWhoseRowsAreOthers() {
    String table = "few_" + database.nextId();
    database.execute(
        "CREATE TABLE " + table + " (id BIGINT PRIMARY KEY, version BIGINT, status VARCHAR(16))");
    List<Versioned> batch = new ArrayList<>();
    for (long id = 1; id <= 20; id++) {
      database.execute("INSERT INTO " + table + " VALUES (" + id + ", 1, 'old')");
      batch.add(new Versioned(id, 2, status("new")));
    }
    VersionGuard few = database.guards().versions(VersionTable.of(table, "status"));

    database.rollingBack(
        stranger -> {
          TestDatabase.execute(stranger, "INSERT INTO " + table + " VALUES (21, 1, 'his')");
          return database.committing(
              connection -> {
                database.setLockWait(connection);
                assertThat(few.on(connection).newestWins(batch))
                    .hasSize(20)
                    .containsOnly(new VersionWrite.Applied(2));
                assertThat(few.on(connection).newestWins(1, 3, status("x")).isApplied()).isTrue();
                return null;
              });
        });

    assertThat(database.number("SELECT count(*) FROM " + table + " WHERE version = 2"))
        .isEqualTo(19);
  }

  @Test
  void aBatchGivesValuesForTheSameColumns() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                guard()
                    .newestWins(
                        List.of(
                            new Versioned("a", 1, status("x")), new Versioned("b", 1, Map.of()))))
        .withMessageContaining("the same columns");
  }

  @Test
  void pushesInAnyOrderByFiftyCallersEndInTheNewest() {
    String id = at(0L);
    List<Long> versions = new ArrayList<>(LongStream.rangeClosed(1, 25).boxed().toList());
    versions.addAll(List.copyOf(versions));
    Collections.shuffle(versions, new Random(5));
    try (HikariDataSource pool = database.pool(8)) {
      VersionGuard guard = JdbcGuards.of(pool).versions(TABLE);
      List<Callable<VersionWrite>> callers = new ArrayList<>();
      versions.forEach(
          version -> callers.add(() -> guard.newestWins(id, version, status("v" + version))));

      List<VersionWrite> answers = Together.run(callers);

      assertThat(answers.stream().filter(VersionWrite::isApplied)).doesNotHaveDuplicates();
      assertThat(answers).contains(new VersionWrite.Applied(25), new VersionWrite.Repeat(25));
    }
    assertThat(stored(id)).isEqualTo("25 v25");
  }

  @Test
  void noneOfFiftyEditsIsLost() {
    String id = at(0L);
    try (HikariDataSource pool = database.pool(8)) {
      VersionGuard guard = JdbcGuards.of(pool).versions(TABLE);
      List<Callable<Integer>> editors =
          Collections.nCopies(
              50,
              () -> {
                long version = 0;
                for (int tries = 1; ; tries++) {
                  VersionWrite answer = guard.compareAndSet(id, version, status("e" + tries));
                  if (answer instanceof VersionWrite.Stale stale) {
                    version = stale.current();
                  } else {
                    assertThat(answer.isApplied()).isTrue();
                    return tries;
                  }
                }
              });

      Together.run(editors);
    }
    assertThat(stored(id)).startsWith("50 ");
  }

  @Test
  void overlappingBatchesInOppositeOrdersAllComeThrough() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      ids.add(at(0L));
    }
    try (HikariDataSource pool = database.pool(8)) {
      VersionGuard guard = JdbcGuards.of(pool).versions(TABLE);
      List<Callable<List<VersionWrite>>> callers = new ArrayList<>();
      for (int i = 1; i <= 16; i++) {
        long version = i;
        List<Versioned> batch = new ArrayList<>();
        ids.forEach(id -> batch.add(new Versioned(id, version, status("v" + version))));
        if (i % 2 == 0) {
          Collections.reverse(batch);
        }
        callers.add(() -> TestDatabase.retrying(() -> guard.newestWins(batch)));
      }

      Together.run(callers);
    }
    assertThat(ids).allSatisfy(id -> assertThat(stored(id)).isEqualTo("16 v16"));
  }

  @Test
  void aRolledBackTransactionLeavesNothing() {
    String id = at(1L);
    String other = at(1L);

    database.rollingBack(
        connection -> {
          VersionGuard joined = guard().on(connection);
          assertThat(joined.newestWins(id, 2, status("gone")).isApplied()).isTrue();
          assertThat(joined.newestWins(id, 2, status("gone")))
              .isEqualTo(new VersionWrite.Repeat(2));
          return joined.newestWins(
              List.of(
                  new Versioned(id, 3, status("gone")), new Versioned(other, 3, status("gone"))));
        });

    assertThat(stored(id)).isEqualTo("1 old");
    assertThat(guard().newestWins(id, 2, status("new")).isApplied()).isTrue();
  }
}
