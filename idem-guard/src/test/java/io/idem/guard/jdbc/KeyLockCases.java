package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.guard.Locked;
import io.idem.testkit.Together;
import java.io.IOException;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What the locks on keys owe on every database, of both kinds where there are two. */
abstract class KeyLockCases {

  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(50);

  private final TestDatabase database;

  KeyLockCases(TestDatabase database) {
    this.database = database;
  }

  /** The lock by a table and, but for H2, the database's own. */
  private void ofEachKind(Consumer<Function<JdbcGuards, KeyLock>> test) {
    test.accept(guards -> guards.keys("test", "idem_lock"));
    if (database.backend() != Backend.H2) {
      test.accept(guards -> guards.keys("test"));
    }
  }

  private long account() {
    long id = database.nextId();
    database.execute("INSERT INTO account VALUES (" + id + ", 0)");
    return id;
  }

  private int balance(long id) {
    return database.number("SELECT balance FROM account WHERE id = " + id);
  }

  private static LockedWork<String, Void, RuntimeException> increase(long id) {
    return (key, connection) -> RowLockCases.increase(id, connection);
  }

  @Test
  void aKeyIsHeldWhileTheWorkRunsAndFreeAfterwards() {
    ofEachKind(
        kind -> {
          long id = account();
          KeyLock lock = kind.apply(database.guards());
          KeyLock other = kind.apply(database.guards());

          Locked<String> answer =
              lock.run(
                  "a key",
                  LONG,
                  (key, connection) -> {
                    RowLockCases.increase(id, connection);
                    assertThat(other.run("a key", Duration.ZERO, increase(id)))
                        .isEqualTo(new Locked.Busy<>());
                    assertThat(other.run("a key", SHORT, increase(id)))
                        .isEqualTo(new Locked.Busy<>());
                    assertThat(other.run("another key", Duration.ZERO, (k, c) -> k).hasRun())
                        .isTrue();
                    return key;
                  });

          assertThat(answer).isEqualTo(new Locked.Ran<>("a key"));
          assertThat(other.run("a key", Duration.ZERO, increase(id)).hasRun()).isTrue();
          assertThat(balance(id)).isEqualTo(2);
        });
  }

  @Test
  void whoeverComesNextSeesWhatWasCommitted() {
    ofEachKind(
        kind -> {
          long id = account();
          String key = "key " + id;
          CountDownLatch held = new CountDownLatch(1);
          CountDownLatch release = new CountDownLatch(1);
          CountDownLatch tried = new CountDownLatch(1);
          kind.apply(database.guards()).run(key, LONG, (k, c) -> k);

          Together.runWhile(
              () ->
                  kind.apply(database.guards())
                      .run(
                          key,
                          LONG,
                          (k, connection) -> {
                            held.countDown();
                            Together.await(release);
                            return RowLockCases.increase(id, connection);
                          }),
              () -> {
                Together.await(held);
                Together.runWhile(
                    () -> {
                      tried.countDown();
                      return kind.apply(database.guards()).run(key, LONG, increase(id));
                    },
                    () -> {
                      Together.await(tried);
                      release.countDown();
                    });
              });

          assertThat(balance(id)).isEqualTo(2);
        });
  }

  @Test
  void workThatThrowsIsRolledBackAndItsKeyIsFree() {
    ofEachKind(
        kind -> {
          long id = account();
          try (HikariDataSource pool = database.pool(1)) {
            KeyLock lock = kind.apply(JdbcGuards.of(pool));

            assertThatExceptionOfType(IOException.class)
                .isThrownBy(
                    () ->
                        lock.run(
                            "throws",
                            LONG,
                            (key, connection) -> {
                              RowLockCases.increase(id, connection);
                              throw new IOException("no");
                            }));

            // From another session, while the pool still has the one that held it.
            KeyLock other = kind.apply(database.guards());
            assertThat(other.run("throws", Duration.ZERO, increase(id)).hasRun()).isTrue();
          }
          assertThat(balance(id)).isEqualTo(1);
        });
  }

  @Test
  void noneOfFiftyConcurrentChangesIsLost() {
    ofEachKind(
        kind -> {
          long id = account();
          try (HikariDataSource pool = database.pool(8)) {
            KeyLock lock = kind.apply(JdbcGuards.of(pool));
            List<Callable<Locked<Void>>> callers =
                Collections.nCopies(
                    50, () -> TestDatabase.retrying(() -> lock.run("storm", LONG, increase(id))));

            assertThat(Together.run(callers)).allMatch(Locked::hasRun);
          }
          assertThat(balance(id)).isEqualTo(50);
        });
  }

  @Test
  void aLockThatJoinedATransactionIsHeldUntilThatEnds() {
    List<KeyLock> joining = new ArrayList<>();
    joining.add(database.guards().keys("joined", "idem_lock"));
    if (database.backend() == Backend.POSTGRESQL) {
      joining.add(database.guards().keys("joined"));
    }
    for (KeyLock lock : joining) {
      long id = account();
      lock.run("joined", LONG, (key, connection) -> key);

      database.rollingBack(
          connection -> {
            String before = database.lockWait(connection);
            assertThat(lock.on(connection).run("joined", LONG, increase(id)).hasRun()).isTrue();
            assertThat(lock.on(connection).run("joined", LONG, increase(id)).hasRun()).isTrue();
            assertThat(database.lockWait(connection)).isEqualTo(before);
            assertThat(lock.run("joined", Duration.ZERO, increase(id)))
                .isEqualTo(new Locked.Busy<>());
            return null;
          });

      assertThat(balance(id)).isZero();
      assertThat(lock.run("joined", Duration.ZERO, increase(id)).hasRun()).isTrue();
    }
  }

  /** Both hold their first key when they ask for their second, at the isolation that locks gaps. */
  @Test
  void twoWhoJoinWithDifferentKeysOfANewTableDoNotMeet() {
    String table = "locks_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (slot INT PRIMARY KEY)");
    KeyLock lock = database.guards().keys("test", table);
    CountDownLatch both = new CountDownLatch(2);
    List<Callable<Boolean>> callers = new ArrayList<>();
    for (String name : List.of("one", "other")) {
      callers.add(
          () ->
              database.committing(
                  connection -> {
                    if (database.backend().isInnoDb()) {
                      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                    }
                    KeyLock joined = lock.on(connection);
                    boolean first = joined.run(name, Duration.ZERO, (k, c) -> k).hasRun();
                    both.countDown();
                    Together.await(both);
                    return first && joined.run(name + "2", Duration.ZERO, (k, c) -> k).hasRun();
                  }));
    }

    assertThat(Together.run(callers)).containsOnly(true);
    assertThat(database.number("SELECT count(*) FROM " + table)).isEqualTo(KeyLock.SLOTS);
  }

  @Test
  void severalWhoMakeATableOfLocksAtOnceAllHaveIt() {
    String table = "locks_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (slot INT PRIMARY KEY)");
    database.execute("INSERT INTO " + table + " VALUES (5), (700)");

    Together.run(
        Collections.nCopies(
            3, () -> TestDatabase.retrying(() -> database.guards().keys("test", table))));

    assertThat(database.number("SELECT count(*) FROM " + table)).isEqualTo(KeyLock.SLOTS);
  }

  @Test
  void aRowOfTheTableThatIsGoneIsTold() {
    String table = "locks_" + database.nextId();
    database.execute("CREATE TABLE " + table + " (slot INT PRIMARY KEY)");
    KeyLock lock = database.guards().keys("test", table);
    database.execute("DELETE FROM " + table);

    assertThatExceptionOfType(GuardException.class)
        .isThrownBy(() -> lock.run("key", Duration.ZERO, (k, c) -> k))
        .withMessageContaining("is gone");
    database.guards().keys("test", table);
    assertThat(lock.run("key", Duration.ZERO, (k, c) -> k).hasRun()).isTrue();
  }

  /** Where a snapshot is older than the lock, whoever waited would decide by what was before. */
  @Test
  void aTransactionThatReadsBehindTheLockIsRefused() {
    for (int isolation :
        new int[] {Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE}) {
      List<KeyLock> joining = new ArrayList<>();
      joining.add(database.guards().keys("snapshot", "idem_lock"));
      if (database.backend() == Backend.POSTGRESQL) {
        joining.add(database.guards().keys("snapshot"));
      }
      for (KeyLock lock : joining) {
        database.rollingBack(
            connection -> {
              connection.setTransactionIsolation(isolation);
              KeyLock joined = lock.on(connection);
              if (database.backend().isInnoDb()) {
                long id = account();
                joined.run("key", LONG, increase(id));
                assertThat(TestDatabase.text(connection, "SELECT max(id) FROM account"))
                    .isEqualTo(Long.toString(id));
              } else {
                assertThatIllegalStateException()
                    .isThrownBy(() -> joined.run("key", LONG, (k, c) -> k))
                    .withMessageContaining("READ COMMITTED");
              }
              return null;
            });
      }
    }
  }

  @Test
  void whatTheDatabaseCannotHoldIsRefused() {
    switch (database.backend()) {
      case H2 ->
          assertThatIllegalStateException()
              .isThrownBy(() -> database.guards().keys("none"))
              .withMessageContaining("keys(namespace, table)");
      case POSTGRESQL ->
          assertThat(
                  database.<Boolean>rollingBack(
                      connection ->
                          database
                              .guards()
                              .keys("held")
                              .on(connection)
                              .run("key", LONG, (k, c) -> k)
                              .hasRun()))
              .isTrue();
      default ->
          database.rollingBack(
              connection -> {
                assertThatIllegalStateException()
                    .isThrownBy(() -> database.guards().keys("named").on(connection))
                    .withMessageContaining("let go before the commit");
                return null;
              });
    }
  }
}
