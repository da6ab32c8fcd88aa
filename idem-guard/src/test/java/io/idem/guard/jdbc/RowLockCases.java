package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.guard.Locked;
import io.idem.testkit.Together;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What a row lock owes on every database. */
abstract class RowLockCases {

  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(50);

  private final TestDatabase database;

  RowLockCases(TestDatabase database) {
    this.database = database;
  }

  private RowLock guard() {
    return database.guards().rows("account", "id");
  }

  private long account() {
    long id = database.nextId();
    database.execute("INSERT INTO account VALUES (" + id + ", 0)");
    return id;
  }

  private int balance(long id) {
    return database.number("SELECT balance FROM account WHERE id = " + id);
  }

  /** A relative change as two statements, which only a lock makes safe. */
  static Void increase(Object id, Connection connection) {
    int balance =
        Integer.parseInt(
            TestDatabase.text(connection, "SELECT balance FROM account WHERE id = " + id));
    TestDatabase.execute(
        connection, "UPDATE account SET balance = " + (balance + 1) + " WHERE id = " + id);
    return null;
  }

  private void whileHeld(long id, Runnable work) {
    database.rollingBack(
        holder ->
            guard()
                .on(holder)
                .run(
                    id,
                    LONG,
                    (row, connection) -> {
                      work.run();
                      return null;
                    }));
  }

  @Test
  void workRunsUnderTheLockAndItsTransactionCommits() {
    long id = account();

    Locked<Long> answer =
        guard()
            .run(
                id,
                LONG,
                (row, connection) -> {
                  increase(row, connection);
                  assertThat(guard().run(id, Duration.ZERO, RowLockCases::increase))
                      .isEqualTo(new Locked.Busy<>());
                  return (Long) row;
                });

    assertThat(answer).isEqualTo(new Locked.Ran<>(id));
    assertThat(balance(id)).isEqualTo(1);
    assertThat(guard().run(id, Duration.ZERO, RowLockCases::increase).hasRun()).isTrue();
  }

  @Test
  void aMissingRowIsToldApart() {
    long id = database.nextId();

    assertThat(guard().run(id, LONG, RowLockCases::increase)).isEqualTo(new Locked.NotFound<>());
    assertThat(guard().run(id, Duration.ZERO, RowLockCases::increase))
        .isEqualTo(new Locked.NotFound<>());
    assertThat(guard().runOnFree(List.of(id), (rows, connection) -> 1))
        .isEqualTo(new Locked.NotFound<>());
  }

  @Test
  void aHeldRowIsToldAfterTheWaitOrAtOnceAndTheTransactionGoesOn() {
    long id = account();
    long mine = account();

    whileHeld(
        id,
        () ->
            database.committing(
                connection -> {
                  RowLock joined = guard().on(connection);
                  increase(mine, connection);
                  database.setLockWait(connection);
                  String before = database.lockWait(connection);
                  assertThat(joined.run(id, SHORT, RowLockCases::increase))
                      .isEqualTo(new Locked.Busy<>());
                  assertThat(joined.run(id, Duration.ZERO, RowLockCases::increase))
                      .isEqualTo(new Locked.Busy<>());
                  assertThat(database.lockWait(connection)).isEqualTo(before);
                  increase(mine, connection);
                  return null;
                }));

    assertThat(balance(mine)).isEqualTo(2);
    assertThat(balance(id)).isZero();
  }

  @Test
  void theWaitBoundIsSetBackBeforeTheWorkBegins() {
    long id = account();

    database.committing(
        connection -> {
          database.setLockWait(connection);
          String before = database.lockWait(connection);
          guard()
              .on(connection)
              .run(
                  id,
                  Duration.ofSeconds(7),
                  (row, same) -> {
                    assertThat(same).isSameAs(connection);
                    assertThat(database.lockWait(connection)).isEqualTo(before);
                    return null;
                  });
          return null;
        });
  }

  @Test
  void aWaitEndsWhenTheHolderDoes() {
    long id = account();
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);

    Together.runWhile(
        () ->
            guard()
                .run(
                    id,
                    LONG,
                    (row, connection) -> {
                      held.countDown();
                      Together.await(release);
                      return increase(row, connection);
                    }),
        () -> {
          Together.await(held);
          Together.runWhile(
              () -> guard().run(id, LONG, RowLockCases::increase),
              () -> {
                database.awaitWaiting();
                release.countDown();
              });
        });

    assertThat(balance(id)).isEqualTo(2);
  }

  @Test
  void freeRowsAreTakenAndHeldOnesAreSkipped() {
    long one = account();
    long held = account();
    long three = account();

    whileHeld(
        held,
        () -> {
          assertThat(guard().runOnFree(List.of(three, held, one), (rows, connection) -> rows))
              .isEqualTo(new Locked.Ran<>(List.of(one, three)));
          assertThat(guard().runOnFree(List.of(held), (rows, connection) -> rows))
              .isEqualTo(new Locked.Busy<>());
          assertThat(guard().runAll(List.of(one, held), Duration.ZERO, (rows, connection) -> rows))
              .isEqualTo(new Locked.Busy<>());
        });

    assertThat(guard().runAll(List.of(three, held, one, -1L), LONG, (rows, connection) -> rows))
        .isEqualTo(new Locked.Ran<>(List.of(one, held, three)));
  }

  /** A small table is one that a database prefers to scan. */
  @Test
  void rowsThatNobodyAskedForAreNotWaitedFor() {
    String table = "few_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (id BIGINT PRIMARY KEY)");
    List<Long> ids = new ArrayList<>();
    for (long id = 1; id <= 21; id++) {
      database.execute("INSERT INTO " + table + " VALUES (" + id + ")");
      ids.add(id);
    }
    RowLock few = database.guards().rows(table, "id");

    database.rollingBack(
        stranger ->
            few.on(stranger)
                .run(
                    11L,
                    LONG,
                    (row, connection) -> {
                      ids.remove(11L);
                      assertThat(few.runAll(ids, Duration.ZERO, (rows, same) -> rows))
                          .isEqualTo(new Locked.Ran<>(ids));
                      assertThat(few.runAll(ids, SHORT, (rows, same) -> rows))
                          .isEqualTo(new Locked.Ran<>(ids));
                      assertThat(few.runOnFree(ids, (rows, same) -> rows))
                          .isEqualTo(new Locked.Ran<>(ids));
                      assertThat(few.run(12L, Duration.ZERO, (rows, same) -> 12))
                          .isEqualTo(new Locked.Ran<>(12));
                      return null;
                    }));
  }

  @Test
  void asManyRowsCanBeLockedAsMayBe() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> guard().runAll(List.of(), LONG, (rows, connection) -> rows));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> guard().runAll(Collections.nCopies(1001, 1L), LONG, (rows, connection) -> rows))
        .withMessageContaining("1001");
  }

  @Test
  void aWaitIsUpToAnHour() {
    for (Duration wait : List.of(Duration.ofMillis(-1), Duration.ofSeconds(3601))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> guard().run(1, wait, RowLockCases::increase))
          .withMessageContaining("between zero and an hour");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> database.guards().keys("wait", "idem_lock").run("key", wait, (k, c) -> k));
    }
  }

  @Test
  void workThatThrowsIsRolledBackAndTheLockIsFree() {
    long id = account();

    assertThatExceptionOfType(IOException.class)
        .isThrownBy(
            () ->
                guard()
                    .run(
                        id,
                        LONG,
                        (row, connection) -> {
                          increase(row, connection);
                          throw new IOException("no");
                        }));
    assertThatExceptionOfType(GuardException.class)
        .isThrownBy(
            () ->
                guard()
                    .run(
                        id,
                        LONG,
                        (row, connection) -> {
                          increase(row, connection);
                          throw new SQLException("no");
                        }));

    assertThat(balance(id)).isZero();
    assertThat(guard().run(id, Duration.ZERO, RowLockCases::increase).hasRun()).isTrue();
  }

  @Test
  void aLockOutlivesItsWorkUntilTheCallersTransactionEnds() {
    long id = account();

    database.rollingBack(
        connection -> {
          guard().on(connection).run(id, LONG, RowLockCases::increase);
          assertThat(guard().run(id, Duration.ZERO, RowLockCases::increase))
              .isEqualTo(new Locked.Busy<>());
          return null;
        });

    assertThat(balance(id)).isZero();
    assertThat(guard().run(id, Duration.ZERO, RowLockCases::increase).hasRun()).isTrue();
  }

  @Test
  void noneOfFiftyConcurrentChangesIsLost() {
    long id = account();
    try (HikariDataSource pool = database.pool(8)) {
      RowLock guard = JdbcGuards.of(pool).rows("account", "id");
      List<Callable<Locked<Void>>> callers =
          Collections.nCopies(50, () -> guard.run(id, LONG, RowLockCases::increase));

      assertThat(Together.run(callers)).allMatch(Locked::hasRun);
    }
    assertThat(balance(id)).isEqualTo(50);
  }

  @Test
  void ofTwoThatDeadlockOneIsToldToRunAgain() {
    long one = account();
    long other = account();
    CountDownLatch firstHalf = new CountDownLatch(2);
    List<Integer> victims = Collections.synchronizedList(new ArrayList<>());

    Together.run(
        List.of(
            () -> both(one, other, firstHalf, victims),
            () -> both(other, one, firstHalf, victims)));

    // The victim may come back, and deadlock again, before the other one goes on.
    assertThat(victims).isNotEmpty();
    assertThat(balance(one)).isEqualTo(2);
    assertThat(balance(other)).isEqualTo(2);
  }

  private Void both(long first, long second, CountDownLatch firstHalf, List<Integer> victims)
      throws Exception {
    return TestDatabase.retrying(
        () -> {
          try {
            return database.committing(
                connection -> {
                  RowLock joined = guard().on(connection);
                  joined.run(first, LONG, RowLockCases::increase);
                  firstHalf.countDown();
                  Together.await(firstHalf);
                  joined.run(second, LONG, RowLockCases::increase);
                  return null;
                });
          } catch (GuardConflictException e) {
            victims.add(1);
            throw e;
          }
        });
  }
}
