package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.guard.Insertion;
import io.idem.guard.Locked;
import io.idem.guard.VersionWrite;
import io.idem.testkit.Together;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a unique number owes on every database. */
abstract class UniqueNumberCases {

  private static final NumberTable TABLE =
      NumberTable.of("invoice", "tenant", "number")
          .withColumns("amount", "reference")
          .withRead("id", "amount");

  private final TestDatabase database;

  UniqueNumberCases(TestDatabase database) {
    this.database = database;
  }

  /** A row as the tests look at it. */
  private record Invoice(long id, BigDecimal amount) {}

  private static UniqueNumber<Invoice> guard(JdbcGuards guards, NumberTable table) {
    return guards.numbers(table, row -> new Invoice(row.getLong(1), row.getBigDecimal(2)));
  }

  private UniqueNumber<Invoice> guard() {
    return guard(database.guards(), TABLE);
  }

  private String number() {
    return "n-" + database.nextId();
  }

  private static Map<String, Object> row(String number, String amount) {
    return Map.of("tenant", "t", "number", number, "amount", new BigDecimal(amount));
  }

  private static Invoice invoice(Insertion<Invoice> insertion) {
    return insertion.fold(
        Insertion.Inserted::row,
        Insertion.Existing::row,
        busy -> {
          throw new AssertionError("busy");
        });
  }

  private int count(String number) {
    return database.number("SELECT count(*) FROM invoice WHERE number = '" + number + "'");
  }

  @Test
  void theFirstInsertsAndTheOthersFindItsRow() {
    String number = number();

    Insertion<Invoice> first = guard().insert(row(number, "12.50"));
    Insertion<Invoice> second = guard().insert(row(number, "99.00"));

    assertThat(first).isInstanceOf(Insertion.Inserted.class);
    assertThat(invoice(first).amount()).isEqualByComparingTo("12.50");
    assertThat(second).isEqualTo(new Insertion.Existing<>(invoice(first)));
    assertThat(count(number)).isEqualTo(1);
  }

  @Test
  void aNumberOfTwoPartsIsBothOfThem() {
    String number = number();

    assertThat(guard().insert(Map.of("tenant", "a", "number", number)).isInserted()).isTrue();
    assertThat(guard().insert(Map.of("tenant", "b", "number", number)).isInserted()).isTrue();
    assertThat(guard().insert(Map.of("tenant", "b", "number", number)).isInserted()).isFalse();
  }

  @Test
  void rowsAreMapsWhereNobodyReadsThem() {
    String number = number();
    UniqueNumber<Map<String, Object>> maps = database.guards().numbers(TABLE);

    Map<String, Object> inserted =
        maps.insert(row(number, "7.00"))
            .fold(Insertion.Inserted::row, Insertion.Existing::row, busy -> Map.of());

    assertThat(inserted).containsOnlyKeys("id", "amount");
    assertThat(maps.insert(row(number, "7.00"))).isEqualTo(new Insertion.Existing<>(inserted));
  }

  @Test
  void aRowWithoutItsNumberIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> guard().insert(Map.of("tenant", "t")))
        .withMessageContaining("no value for the column \"number\"");
  }

  /** However the database spells a number, or compares it: a row that is there is found. */
  @Test
  void aNumberThatIsStoredOtherwiseIsFound() {
    String table = "padded_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (number CHAR(20) PRIMARY KEY)");
    UniqueNumber<String> guard =
        database.guards().numbers(NumberTable.of(table, "number"), row -> row.getString(1).strip());

    assertThat(guard.insert(Map.of("number", "n"))).isEqualTo(new Insertion.Inserted<>("n"));
    assertThat(guard.insert(Map.of("number", "n"))).isEqualTo(new Insertion.Existing<>("n"));
    if (database.backend().isInnoDb()) {
      assertThat(guard.insert(Map.of("number", "N"))).isEqualTo(new Insertion.Existing<>("n"));
      assertThat(guard.insertAll(List.of(Map.of("number", "N"), Map.of("number", "m"))))
          .containsExactly(new Insertion.Existing<>("n"), new Insertion.Inserted<>("m"));
    }
  }

  /** A column that rounds keeps another number than the one that is asked for ever after. */
  @Test
  void aNumberThatTheColumnChangesIsNeverCalledBusy() {
    String table = "rounded_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (number DECIMAL(10, 2) PRIMARY KEY)");
    UniqueNumber<BigDecimal> guard =
        database.guards().numbers(NumberTable.of(table, "number"), row -> row.getBigDecimal(1));
    Map<String, Object> row = Map.of("number", new BigDecimal("1.005"));

    for (int tries = 0; tries < 2; tries++) {
      assertThatExceptionOfType(GuardException.class)
          .isThrownBy(() -> guard.insert(row))
          .isNotInstanceOf(GuardConflictException.class)
          .withMessageContaining("stores it otherwise than it was given");
      assertThat(database.number("SELECT count(*) FROM " + table)).isZero();
    }
    assertThatExceptionOfType(GuardException.class)
        .isThrownBy(() -> guard.insertAll(List.of(row, Map.of("number", new BigDecimal("2.005")))))
        .isNotInstanceOf(GuardConflictException.class);
    assertThat(database.number("SELECT count(*) FROM " + table)).isZero();
    assertThat(guard.insert(Map.of("number", new BigDecimal("1.0100"))).isInserted()).isTrue();
  }

  /** A single float is not what a double of the same digits is, though it is written alike. */
  @Test
  void aNumberThatOnlyLooksAlikeIsRefusedAtOnce() {
    String table = "inexact_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (number REAL PRIMARY KEY)");
    UniqueNumber<Float> guard =
        database.guards().numbers(NumberTable.of(table, "number"), row -> row.getFloat(1));
    List<Map<String, Object>> rows = List.of(Map.of("number", 0.1), Map.of("number", 0.3));

    for (int tries = 0; tries < 2; tries++) {
      try {
        Insertion<Float> found = guard.insert(rows.get(0));
        assertThat(found.isInserted()).isEqualTo(tries == 0);
        assertThat(guard.insertAll(rows).get(0)).isEqualTo(new Insertion.Existing<>(0.1f));
      } catch (GuardException e) {
        assertThat(e)
            .isNotInstanceOf(GuardConflictException.class)
            .hasMessageContaining("stores it otherwise than it was given");
        assertThatExceptionOfType(GuardException.class)
            .isThrownBy(() -> guard.insertAll(rows))
            .isNotInstanceOf(GuardConflictException.class);
        assertThat(database.number("SELECT count(*) FROM " + table)).isZero();
      }
    }
    assertThat(guard.insert(Map.of("number", 0.5)).isInserted()).isTrue();
    assertThat(guard.insert(Map.of("number", 0.5))).isEqualTo(new Insertion.Existing<>(0.5f));
  }

  /** What is found by what was given may be stored in another spelling. */
  @Test
  void aNumberThatIsSpelledOtherwiseIsInserted() {
    String table = "spelled_" + database.nextId();
    database.execute(
        "CREATE TABLE "
            + table
            + " (number "
            + database.backend().textWithoutCase(database)
            + " PRIMARY KEY)");
    if (database.backend() == Backend.POSTGRESQL) {
      database.execute(
          "CREATE OR REPLACE FUNCTION spell() RETURNS trigger LANGUAGE plpgsql AS"
              + " 'BEGIN NEW.number = upper(NEW.number); RETURN NEW; END'");
      database.execute(
          "CREATE TRIGGER spelled BEFORE INSERT ON "
              + table
              + " FOR EACH ROW EXECUTE FUNCTION spell()");
    }
    UniqueNumber<String> guard =
        database
            .guards()
            .numbers(
                NumberTable.of(table, "number"), row -> row.getString(1).toLowerCase(Locale.ROOT));

    assertThat(guard.insert(Map.of("number", "n"))).isEqualTo(new Insertion.Inserted<>("n"));
    assertThat(guard.insert(Map.of("number", "N"))).isEqualTo(new Insertion.Existing<>("n"));
  }

  /** Numbers are the same whatever type they come in. */
  @Test
  void numbersOfAnyTypeAreTheSame() {
    String table = "typed_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (number BIGINT PRIMARY KEY)");
    UniqueNumber<Long> guard =
        database.guards().numbers(NumberTable.of(table, "number"), row -> row.getLong(1));

    assertThat(
            guard.insertAll(
                List.of(
                    Map.of("number", 12),
                    Map.of("number", 3L),
                    Map.of("number", new BigDecimal("12")))))
        .containsExactly(
            new Insertion.Inserted<>(12L),
            new Insertion.Inserted<>(3L),
            new Insertion.Existing<>(12L));
    assertThat(guard.insert(Map.of("number", 3))).isEqualTo(new Insertion.Existing<>(3L));
  }

  /** A driver gives some types back as others, in a batch as well. */
  @Test
  void aNumberMayBeATimeOrATruthOrOfFixedLength() {
    LocalDateTime day = LocalDateTime.of(2026, 11, 30, 10, 0);
    Map<String, List<?>> numbers = new LinkedHashMap<>();
    numbers.put(
        database.backend().isInnoDb() ? "DATETIME" : "TIMESTAMP",
        List.of(day, day.plusSeconds(1), Timestamp.valueOf(day)));
    numbers.put("TIME", List.of(day.toLocalTime(), LocalTime.of(10, 0, 1), LocalTime.of(10, 0)));
    numbers.put("DATE", List.of(day.toLocalDate(), LocalDate.of(2026, 1, 2), day.toLocalDate()));
    numbers.put("BOOLEAN", List.of(true, false, true));
    numbers.put("CHAR(20)", List.of("n", "m", "n"));
    if (!database.backend().isInnoDb()) {
      OffsetDateTime there = day.atOffset(ZoneOffset.ofHours(3));
      numbers.put(
          "TIMESTAMP WITH TIME ZONE",
          List.of(there, there.plusHours(1), there.withOffsetSameInstant(ZoneOffset.UTC)));
    }
    numbers.forEach(
        (type, three) -> {
          String table = "typed_" + database.nextId();
          database.execute("CREATE TABLE " + table + " (id " + type + " PRIMARY KEY, version INT)");
          List<Map<String, Object>> rows = new ArrayList<>();
          three.forEach(number -> rows.add(Map.of("id", number)));
          UniqueNumber<String> guard =
              database.guards().numbers(NumberTable.of(table, "id"), row -> "read");

          assertThat(guard.insertAll(rows))
              .as(type)
              .containsExactly(
                  new Insertion.Inserted<>("read"),
                  new Insertion.Inserted<>("read"),
                  new Insertion.Existing<>("read"));

          List<Versioned> batch = new ArrayList<>();
          three.subList(0, 2).forEach(id -> batch.add(new Versioned(id, 1, Map.of())));
          assertThat(database.guards().versions(VersionTable.of(table)).newestWins(batch))
              .as(type)
              .containsOnly(new VersionWrite.Applied(1));
          assertThat(
                  database
                      .guards()
                      .rows(table, "id")
                      .<Integer, RuntimeException>runAll(
                          three.subList(0, 2),
                          Duration.ZERO,
                          (locked, connection) -> {
                            assertThat(locked).as(type).hasSameElementsAs(three.subList(0, 2));
                            return locked.size();
                          }))
              .as(type)
              .isEqualTo(new Locked.Ran<>(2));
        });
  }

  @Test
  void theCallersTransactionGoesOnAfterARepeatAndKeepsItsWaitBound() {
    String number = number();
    guard().insert(row(number, "1.00"));

    database.committing(
        connection -> {
          database.setLockWait(connection);
          String before = database.lockWait(connection);
          UniqueNumber<Invoice> joined = guard().on(connection);
          assertThat(joined.insert(row(number, "1.00")).isInserted()).isFalse();
          assertThat(joined.insert(row(number + "b", "1.00")).isInserted()).isTrue();
          assertThat(database.lockWait(connection)).isEqualTo(before);
          TestDatabase.execute(
              connection, "INSERT INTO account VALUES (" + database.nextId() + ", 1)");
          return null;
        });

    assertThat(count(number + "b")).isEqualTo(1);
  }

  @Test
  void aDuplicateOfAnotherConstraintIsAnErrorAndNoRepeat() {
    String reference = "r-" + number();
    guard().insert(Map.of("tenant", "t", "number", number(), "reference", reference));
    String number = number();

    database.rollingBack(
        connection -> {
          String before = database.lockWait(connection);
          assertThatExceptionOfType(GuardException.class)
              .isThrownBy(
                  () ->
                      guard()
                          .on(connection)
                          .insert(Map.of("tenant", "t", "number", number, "reference", reference)))
              .isNotInstanceOf(GuardConflictException.class);
          assertThat(database.lockWait(connection)).isEqualTo(before);
          return null;
        });

    assertThat(count(number)).isZero();
  }

  @Test
  void aRolledBackTransactionLeavesTheNumberFree() {
    String number = number();

    database.rollingBack(
        connection -> {
          UniqueNumber<Invoice> joined = guard().on(connection);
          assertThat(joined.insert(row(number, "1.00")).isInserted()).isTrue();
          return joined.insert(row(number, "1.00"));
        });

    assertThat(guard().insert(row(number, "2.00")).isInserted()).isTrue();
  }

  @Test
  void aRivalThatCommitsIsWaitedForAndFound() {
    assertThat(besideARival(number(), true)).isFalse();
  }

  @Test
  void aRivalThatRollsBackIsWaitedForAndReplaced() {
    assertThat(besideARival(number(), false)).isTrue();
  }

  /** Whether the one who waited inserted. */
  private boolean besideARival(String number, boolean commits) {
    CountDownLatch inserted = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    List<Boolean> answer = new ArrayList<>();
    TestDatabase.CallersWork<Void> rival =
        connection -> {
          guard().on(connection).insert(row(number, "1.00"));
          inserted.countDown();
          Together.await(end);
          return null;
        };
    Together.runWhile(
        () -> commits ? database.committing(rival) : database.rollingBack(rival),
        () -> {
          Together.await(inserted);
          answer.add(
              Together.runWhile(
                  () -> guard().insert(row(number, "2.00")).isInserted(),
                  () -> {
                    database.awaitWaiting();
                    end.countDown();
                  }));
        });
    assertThat(count(number)).isEqualTo(1);
    return answer.get(0);
  }

  @Test
  void aRivalThatTakesTooLongIsToldAndTheTransactionGoesOn() {
    String number = number();
    String mine = number();
    NumberTable hasty = TABLE.withMaxWait(Duration.ofMillis(50));

    database.rollingBack(
        rival -> {
          guard().on(rival).insert(row(number, "1.00"));
          return database.committing(
              connection -> {
                String before = database.lockWait(connection);
                UniqueNumber<Invoice> joined = guard(database.guards(), hasty).on(connection);
                joined.insert(row(mine, "1.00"));
                assertThat(joined.insert(row(number, "1.00"))).isEqualTo(new Insertion.Busy<>());
                assertThat(database.lockWait(connection)).isEqualTo(before);
                return null;
              });
        });

    assertThat(count(mine)).isEqualTo(1);
    assertThat(count(number)).isZero();
  }

  @Test
  void ofFiftyConcurrentCallersOneInserts() {
    String number = number();
    try (HikariDataSource pool = database.pool(8)) {
      UniqueNumber<Invoice> guard = guard(JdbcGuards.of(pool), TABLE);
      List<Callable<Insertion<Invoice>>> callers =
          Collections.nCopies(
              50, () -> TestDatabase.retrying(() -> guard.insert(row(number, "1.00"))));

      List<Insertion<Invoice>> answers = Together.run(callers);

      assertThat(answers.stream().filter(Insertion::isInserted)).hasSize(1);
      assertThat(answers.stream().map(UniqueNumberCases::invoice).distinct()).hasSize(1);
    }
  }

  @Test
  void aBatchIsAnsweredInItsOrderAndItsOwnRepeatsFindTheFirst() {
    String there = number();
    String other = number();
    String fresh = number();
    Invoice known = invoice(guard().insert(row(there, "1.00")));
    Invoice known2 = invoice(guard().insert(row(other, "2.00")));

    List<Insertion<Invoice>> answers =
        guard()
            .insertAll(
                List.of(
                    row(fresh, "3.00"),
                    row(there, "9.00"),
                    row(fresh, "4.00"),
                    row(fresh + "b", "5.00"),
                    row(other, "9.00")));

    Invoice inserted = invoice(answers.get(0));
    assertThat(answers)
        .containsExactly(
            new Insertion.Inserted<>(inserted),
            new Insertion.Existing<>(known),
            new Insertion.Existing<>(inserted),
            new Insertion.Inserted<>(invoice(answers.get(3))),
            new Insertion.Existing<>(known2));
    assertThat(inserted.amount()).isEqualByComparingTo("3.00");
    assertThat(count(fresh)).isEqualTo(1);
  }

  @Test
  void aBatchHasNoRowsOrAsManyAsItMay() {
    assertThat(guard().insertAll(List.of())).isEmpty();

    String prefix = number();
    List<Map<String, Object>> rows = new ArrayList<>();
    for (int i = 0; i < UniqueNumber.MAX_BATCH; i++) {
      rows.add(row(prefix + "-" + i, i + ".00"));
    }
    guard().insert(rows.get(700));

    List<Insertion<Invoice>> answers = guard().insertAll(rows);

    assertThat(answers.stream().filter(Insertion::isInserted)).hasSize(999);
    assertThat(answers.get(700).isInserted()).isFalse();
    assertThat(invoice(answers.get(999)).amount()).isEqualByComparingTo("999.00");
    rows.add(row(prefix, "1.00"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> guard().insertAll(rows))
        .withMessageContaining("at most 1000");
  }

  /** A small table is one that a database prefers to scan. */
  @Test
  void aBatchWaitsForNobodyWhoseNumbersAreOthers() {
    String table = "small_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (number VARCHAR(40) PRIMARY KEY)");
    UniqueNumber<Map<String, Object>> guard =
        database.guards().numbers(NumberTable.of(table, "number").withMaxWait(Duration.ZERO));
    List<Map<String, Object>> rows = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      rows.add(Map.of("number", "n" + i));
    }

    database.rollingBack(
        stranger -> {
          TestDatabase.execute(stranger, "INSERT INTO " + table + " VALUES ('n25 and more')");
          assertThat(guard.insertAll(rows)).hasSize(50).allMatch(Insertion::isInserted);
          return null;
        });

    assertThat(database.number("SELECT count(*) FROM " + table)).isEqualTo(50);
  }

  @Test
  void overlappingBatchesInOppositeOrdersInsertEveryNumberOnce() {
    List<String> numbers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      numbers.add(number());
    }
    try (HikariDataSource pool = database.pool(8)) {
      UniqueNumber<Invoice> guard = guard(JdbcGuards.of(pool), TABLE);
      List<Callable<Long>> callers = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        List<Map<String, Object>> rows =
            numbers.stream().map(number -> row(number, "1.00")).collect(Collectors.toList());
        Collections.rotate(rows, i);
        if (i % 2 == 0) {
          Collections.reverse(rows);
        }
        callers.add(
            () ->
                TestDatabase.retrying(() -> guard.insertAll(rows)).stream()
                    .filter(Insertion::isInserted)
                    .count());
      }

      assertThat(Together.run(callers).stream().mapToLong(Long::longValue).sum()).isEqualTo(20);
    }
    assertThat(numbers).allSatisfy(number -> assertThat(count(number)).isEqualTo(1));
  }

  @Test
  void anOldSnapshotFindsWhatWasInsertedSinceOrIsToldToRunAgain() throws Exception {
    String number = number();
    try (Connection connection = database.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      TestDatabase.text(connection, "SELECT count(*) FROM invoice");
      Invoice rivals = invoice(guard().insert(row(number, "1.00")));

      Object answer;
      try {
        answer = guard().on(connection).insert(row(number, "2.00"));
      } catch (GuardConflictException e) {
        answer = "run again";
      }
      connection.rollback();

      assertThat(answer).isIn("run again", new Insertion.Existing<>(rivals));
    }
  }
}
