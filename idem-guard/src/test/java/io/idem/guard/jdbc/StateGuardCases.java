package io.idem.guard.jdbc;

import static io.idem.guard.jdbc.Purchase.CANCELLED;
import static io.idem.guard.jdbc.Purchase.DELIVERED;
import static io.idem.guard.jdbc.Purchase.PAID;
import static io.idem.guard.jdbc.Purchase.PENDING;
import static io.idem.guard.jdbc.Purchase.SHIPPED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.guard.IllegalTransitionException;
import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.testkit.Together;
import java.math.BigDecimal;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What a state guard owes on every database. */
abstract class StateGuardCases {

  static final StateMachine<Purchase> STEPS =
      StateMachine.ordered(PENDING, PAID, SHIPPED, DELIVERED)
          .allow(PENDING, CANCELLED)
          .allow(PAID, CANCELLED)
          .finalStates(CANCELLED)
          .build();

  private static final StateMachine<Purchase> SKIPPING =
      StateMachine.ordered(PENDING, PAID, SHIPPED, DELIVERED).skipping().without(CANCELLED).build();

  private static final StateTable TABLE =
      StateTable.of("purchase").withColumns("note", "amount").withIncremented("changes");

  private static final StateTable WITH_HISTORY =
      TABLE.withHistory(
          HistoryTable.of("purchase_history", "purchase", "entered")
              .withFrom("left_state")
              .withAt("happened"));

  private final TestDatabase database;

  StateGuardCases(TestDatabase database) {
    this.database = database;
  }

  private StateGuard<Purchase> guard() {
    return database.guards().states(STEPS, WITH_HISTORY);
  }

  private long inState(Purchase state) {
    long id = database.nextId();
    database.execute("INSERT INTO purchase (id, state) VALUES (" + id + ", '" + state + "')");
    return id;
  }

  private String history(long id) {
    try (Connection connection = database.dataSource().getConnection();
        var statement = connection.createStatement();
        var rows =
            statement.executeQuery(
                "SELECT left_state, entered, happened FROM purchase_history WHERE purchase = "
                    + id)) {
      List<String> steps = new ArrayList<>();
      while (rows.next()) {
        assertThat(rows.getTimestamp(3)).isNotNull();
        steps.add(rows.getString(1) + ">" + rows.getString(2));
      }
      Collections.sort(steps);
      return String.join(" ", steps);
    } catch (java.sql.SQLException e) {
      throw new AssertionError(e);
    }
  }

  private String column(long id, String column) {
    return database.text("SELECT " + column + " FROM purchase WHERE id = " + id);
  }

  @Test
  void aTransitionIsAppliedOnceAndToldEverAfter() {
    long id = inState(PENDING);
    StateGuard<Purchase> guard = guard();

    assertThat(guard.transition(id, PAID)).isEqualTo(new Transition.Applied<>(PAID));
    assertThat(guard.transition(id, PAID)).isEqualTo(new Transition.AlreadyThere<>(PAID));
    assertThat(guard.transition(id, SHIPPED)).isEqualTo(new Transition.Applied<>(SHIPPED));
    assertThat(guard.transition(id, PAID)).isEqualTo(new Transition.AlreadyPast<>(SHIPPED));
    assertThat(guard.state(id)).isEqualTo(SHIPPED);
    assertThat(column(id, "changes")).isEqualTo("2");
    assertThat(history(id)).isEqualTo("PAID>SHIPPED PENDING>PAID");
  }

  @Test
  void anIllegalTransitionThrowsOrIsToldAndChangesNothing() {
    long id = inState(SHIPPED);

    assertThatExceptionOfType(IllegalTransitionException.class)
        .isThrownBy(() -> guard().transition(id, CANCELLED))
        .withMessage("Purchase cannot change from SHIPPED to CANCELLED");
    assertThat(guard().tryTransition(id, CANCELLED))
        .isEqualTo(new Transition.Illegal<>(SHIPPED, CANCELLED));
    assertThat(guard().state(id)).isEqualTo(SHIPPED);
    assertThat(history(id)).isEmpty();
  }

  @Test
  void aStateThatNothingLeadsToIsNeverEntered() {
    long id = inState(PAID);

    assertThat(guard().transition(id, PENDING)).isEqualTo(new Transition.AlreadyPast<>(PAID));
    assertThat(guard().transition(inState(PENDING), PENDING).isRepeat()).isTrue();
  }

  @Test
  void aMissingRowIsToldApart() {
    long id = database.nextId();

    assertThat(guard().transition(id, PAID)).isEqualTo(new Transition.NotFound<>());
    assertThat(guard().transition(id, CANCELLED)).isEqualTo(new Transition.NotFound<>());
    assertThat(guard().state(id)).isNull();
  }

  @Test
  void columnsAreSetInTheSameUpdateAndNotByRepeats() {
    long id = inState(PENDING);
    Map<String, Object> values = new HashMap<>();
    values.put("note", "by card");
    values.put("amount", null);
    guard().transition(id, PAID, values);

    assertThat(guard().transition(id, PAID, Map.of("note", "again")).isRepeat()).isTrue();
    assertThat(column(id, "note")).isEqualTo("by card");
    assertThat(column(id, "amount")).isNull();

    guard().transition(id, SHIPPED, Map.of("amount", new BigDecimal("12.50")));
    assertThat(column(id, "note")).isEqualTo("by card");
    assertThat(column(id, "amount")).isEqualTo("12.50");
  }

  @Test
  void historyNamesTheStateThatWasLeftWhereSeveralLeadToTheNext() {
    long pending = inState(PENDING);
    long paid = inState(PAID);

    assertThat(guard().transition(pending, CANCELLED).isApplied()).isTrue();
    assertThat(guard().transition(paid, CANCELLED).isApplied()).isTrue();
    assertThat(guard().transition(paid, CANCELLED).isRepeat()).isTrue();
    assertThat(history(pending)).isEqualTo("PENDING>CANCELLED");
    assertThat(history(paid)).isEqualTo("PAID>CANCELLED");
  }

  @Test
  void statesMayBeStoredInAnotherSpelling() {
    StateGuard<Purchase> guard =
        database
            .guards()
            .states(STEPS, TABLE, state -> state.name().substring(0, 2).toLowerCase(Locale.ROOT));
    long id = database.nextId();
    database.execute("INSERT INTO purchase (id, state) VALUES (" + id + ", 'pe')");

    assertThat(guard.transition(id, PAID).isApplied()).isTrue();
    assertThat(column(id, "state")).isEqualTo("pa");
    assertThat(guard.state(id)).isEqualTo(PAID);
  }

  @Test
  void aStateThatTheMachineDoesNotKnowIsAnError() {
    long id = database.nextId();
    database.execute("INSERT INTO purchase (id, state) VALUES (" + id + ", 'LOST')");

    assertThatExceptionOfType(GuardException.class)
        .isThrownBy(() -> guard().transition(id, PAID))
        .withMessageContaining("The row " + id + " of ")
        .withMessageContaining("a state that the machine does not know: \"LOST\". It knows [");
  }

  /** Some databases fill such a column up with blanks, and give them back. */
  @Test
  void aStateMayBeInAColumnOfFixedLength() {
    String table = "fixed_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (id INT PRIMARY KEY, state CHAR(16))");
    database.execute("INSERT INTO " + table + " VALUES (1, 'PENDING')");
    StateGuard<Purchase> guard = database.guards().states(STEPS, StateTable.of(table));

    assertThat(guard.transition(1, PAID)).isEqualTo(new Transition.Applied<>(PAID));
    assertThat(guard.transition(1, PAID)).isEqualTo(new Transition.AlreadyThere<>(PAID));
    assertThat(guard.state(1)).isEqualTo(PAID);
    assertThat(guard.tryTransition(1, DELIVERED))
        .isEqualTo(new Transition.Illegal<>(PAID, DELIVERED));

    StateGuard<Purchase> withHistory =
        database
            .guards()
            .states(
                STEPS,
                StateTable.of(table)
                    .withHistory(
                        HistoryTable.of("purchase_history", "purchase", "entered")
                            .withFrom("left_state")));
    assertThat(withHistory.transition(1, CANCELLED)).isEqualTo(new Transition.Applied<>(CANCELLED));
  }

  @Test
  void whatMayNotBeNullIsNamed() {
    long id = inState(PENDING);

    assertThatNullPointerException()
        .isThrownBy(() -> guard().transition(null, PAID))
        .withMessage("id");
    assertThatNullPointerException()
        .isThrownBy(() -> guard().transition(id, null))
        .withMessage("to");
    assertThatNullPointerException()
        .isThrownBy(() -> guard().transition(id, PAID, null))
        .withMessage("values");
    assertThatNullPointerException().isThrownBy(() -> guard().state(null)).withMessage("id");
    assertThat(guard().state(id)).isEqualTo(PENDING);
  }

  @Test
  void aMachineWithFlawsIsRefusedWhereTheGuardIsMade() {
    StateMachine<Purchase> flawed = StateMachine.ordered(PENDING, PAID, SHIPPED).build();

    assertThatIllegalStateException()
        .isThrownBy(() -> database.guards().states(flawed, TABLE))
        .withMessageContaining("DELIVERED is unreachable");
  }

  @Test
  void aRolledBackTransactionLeavesNothing() {
    long id = inState(PENDING);

    database.rollingBack(
        connection -> {
          StateGuard<Purchase> joined = guard().on(connection);
          assertThat(joined.transition(id, PAID).isApplied()).isTrue();
          assertThat(joined.transition(id, PAID).isRepeat()).isTrue();
          return joined.transition(id, SHIPPED);
        });

    assertThat(guard().state(id)).isEqualTo(PENDING);
    assertThat(history(id)).isEmpty();
    assertThat(column(id, "changes")).isEqualTo("0");
    assertThat(guard().transition(id, PAID).isApplied()).isTrue();
  }

  @Test
  void theCallersTransactionGoesOnAfterEveryAnswer() {
    long id = inState(SHIPPED);
    long missing = database.nextId();

    database.committing(
        connection -> {
          StateGuard<Purchase> joined = guard().on(connection);
          assertThat(joined.tryTransition(id, CANCELLED).isApplied()).isFalse();
          assertThat(joined.transition(missing, PAID).isApplied()).isFalse();
          return joined.transition(id, DELIVERED);
        });

    assertThat(guard().state(id)).isEqualTo(DELIVERED);
  }

  @Test
  void aConnectionWithoutATransactionIsRefused() throws Exception {
    try (Connection connection = database.dataSource().getConnection()) {
      assertThatIllegalStateException()
          .isThrownBy(() -> guard().on(connection).transition(1, PAID))
          .withMessageContaining("setAutoCommit(false)");
    }
  }

  @Test
  void ofFiftyConcurrentCallersOneApplies() {
    long id = inState(PENDING);
    try (HikariDataSource pool = database.pool(8)) {
      StateGuard<Purchase> guard = JdbcGuards.of(pool).states(STEPS, WITH_HISTORY);
      List<Callable<Transition<Purchase>>> callers =
          Collections.nCopies(50, () -> guard.transition(id, PAID));

      assertThat(Together.run(callers).stream().filter(Transition::isApplied)).hasSize(1);
    }
    assertThat(history(id)).isEqualTo("PENDING>PAID");
  }

  @Test
  void newsThatComesInAnyOrderEndsInTheLastState() {
    long id = inState(PENDING);
    List<Purchase> news = new ArrayList<>();
    for (int i = 0; i < 17; i++) {
      news.addAll(List.of(PAID, SHIPPED, DELIVERED));
    }
    Collections.shuffle(news, new Random(5));
    try (HikariDataSource pool = database.pool(8)) {
      StateGuard<Purchase> guard = JdbcGuards.of(pool).states(SKIPPING, TABLE);
      List<Callable<Transition<Purchase>>> callers = new ArrayList<>();
      news.forEach(to -> callers.add(() -> guard.transition(id, to)));

      List<Transition<Purchase>> answers = Together.run(callers);

      assertThat(answers).allMatch(answer -> answer.isApplied() || answer.isRepeat());
      assertThat(answers.stream().filter(Transition::isApplied)).doesNotHaveDuplicates();
      assertThat(answers).contains(new Transition.Applied<>(DELIVERED));
    }
    assertThat(guard().state(id)).isEqualTo(DELIVERED);
  }

  @Test
  void whoWaitsForARivalIsToldWhatTheRivalDid() {
    long id = inState(PENDING);
    CountDownLatch done = new CountDownLatch(1);
    CountDownLatch commit = new CountDownLatch(1);

    Transition<Purchase> rival =
        Together.runWhile(
            () ->
                database.committing(
                    connection -> {
                      Transition<Purchase> answer = guard().on(connection).transition(id, PAID);
                      done.countDown();
                      Together.await(commit);
                      return answer;
                    }),
            () -> {
              Together.await(done);
              Transition<Purchase> mine =
                  Together.runWhile(
                      () -> guard().transition(id, PAID),
                      () -> {
                        database.awaitWaiting();
                        commit.countDown();
                      });
              assertThat(mine).isEqualTo(new Transition.AlreadyThere<>(PAID));
            });

    assertThat(rival.isApplied()).isTrue();
  }

  @Test
  void aRowThatIsHeldForTooLongIsToldAsBusy() {
    long id = inState(PENDING);

    database.rollingBack(
        holder -> {
          guard().on(holder).transition(id, PAID);
          return database.rollingBack(
              connection -> {
                database.setLockWait(connection);
                assertThatExceptionOfType(GuardBusyException.class)
                    .isThrownBy(() -> guard().on(connection).transition(id, PAID));
                return null;
              });
        });
  }

  @Test
  void ofTwoThatDeadlockOneIsToldToRunAgain() throws Exception {
    long one = inState(PENDING);
    long other = inState(PENDING);
    CountDownLatch firstHalf = new CountDownLatch(2);
    List<Integer> victims = Collections.synchronizedList(new ArrayList<>());

    Together.run(
        List.of(
            () -> bothPaid(one, other, firstHalf, victims),
            () -> bothPaid(other, one, firstHalf, victims)));

    // The victim may come back, and deadlock again, before the other one goes on.
    assertThat(victims).isNotEmpty();
    assertThat(guard().state(one)).isEqualTo(PAID);
    assertThat(guard().state(other)).isEqualTo(PAID);
    assertThat(history(one)).isEqualTo("PENDING>PAID");
  }

  private Void bothPaid(long first, long second, CountDownLatch firstHalf, List<Integer> victims)
      throws Exception {
    return TestDatabase.retrying(
        () -> {
          try {
            return database.committing(
                connection -> {
                  StateGuard<Purchase> joined = guard().on(connection);
                  joined.transition(first, PAID);
                  firstHalf.countDown();
                  Together.await(firstHalf);
                  joined.transition(second, PAID);
                  return null;
                });
          } catch (GuardConflictException e) {
            victims.add(1);
            throw e;
          }
        });
  }

  @Test
  void anOldSnapshotNeverAnswersForWhatIsThereNow() throws Exception {
    long id = inState(PENDING);
    try (Connection connection = database.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      TestDatabase.text(connection, "SELECT count(*) FROM purchase");
      guard().transition(id, PAID);
      guard().transition(id, SHIPPED);

      Object answer;
      try {
        answer = guard().on(connection).transition(id, PAID);
      } catch (GuardConflictException e) {
        answer = "run again";
      }
      connection.rollback();

      assertThat(answer).isIn("run again", new Transition.AlreadyPast<>(SHIPPED));
    }
    assertThat(guard().state(id)).isEqualTo(SHIPPED);
  }

  /** A column that does not care about case never makes one state of another. */
  @Test
  void aStateInAnotherCaseIsNeverTakenForARepeat() {
    String table = "caseless_" + database.nextId();
    database.execute(
        "CREATE TABLE "
            + table
            + " (id INT PRIMARY KEY, state "
            + database.backend().textWithoutCase(database)
            + ")");
    database.execute("INSERT INTO " + table + " VALUES (1, 'paid'), (2, 'new')");
    StateGuard<Caseless> guard =
        database
            .guards()
            .states(
                StateMachine.ordered(Caseless.NEW, Caseless.PAID).build(), StateTable.of(table));

    assertThatExceptionOfType(GuardException.class)
        .isThrownBy(() -> guard.transition(1, Caseless.PAID))
        .withMessageContaining("does not know: \"paid\"");
    assertThat(database.text("SELECT state FROM " + table + " WHERE id = 1")).isEqualTo("paid");
    // The update compares as the column does, and leaves the state's own spelling.
    assertThat(guard.transition(2, Caseless.PAID))
        .isEqualTo(new Transition.Applied<>(Caseless.PAID));
    assertThat(guard.transition(2, Caseless.PAID))
        .isEqualTo(new Transition.AlreadyThere<>(Caseless.PAID));
  }

  private enum Caseless {
    NEW,
    PAID
  }
}
