package io.idem.guard.jdbc;

import io.idem.guard.Insertion;
import io.idem.guard.Locked;
import io.idem.guard.jdbc.DatabaseSpec.KeyLocks;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Work under a lock on a key that has no row. Thread-safe.
 *
 * <p>There are three kinds, and none can be lost before its transaction has ended:
 *
 * <ul>
 *   <li>PostgreSQL has advisory locks of transactions.
 *   <li>MariaDB and MySQL have named locks of sessions, which know nothing of transactions. So the
 *       guard begins and commits the transaction itself, and lets go of the name after that. It
 *       cannot join one: whoever came next would not see what is not yet committed.
 *   <li>Any database has rows: {@value #SLOTS} numbers in a table made for it, each of which stands
 *       for a share of the keys. It is the only kind on H2, and the one that joins a transaction on
 *       MariaDB and MySQL.
 * </ul>
 *
 * <p>Different keys seldom share a lock, but may; then they wait for each other. A transaction that
 * locks several keys takes them in an order of its own choice and may deadlock.
 */
public final class KeyLock {

  /** How many rows a table of locks has. */
  public static final int SLOTS = 1024;

  /** How many of them are made at once. */
  private static final int CHUNK = 128;

  private final Calls calls;
  private final String namespace;
  private final @Nullable Slots slots;

  private KeyLock(Calls calls, String namespace, @Nullable Slots slots) {
    this.calls = calls;
    this.namespace = namespace;
    this.slots = slots;
  }

  static KeyLock ofDatabase(Calls calls, String namespace) {
    if (calls.spec().keyLock() == null) {
      throw new IllegalStateException(
          "This database has no locks but those of rows. Make a table of locks (slot INT PRIMARY"
              + " KEY) and name it: keys(namespace, table)");
    }
    requireOwn(calls);
    return new KeyLock(calls, namespace, null);
  }

  static KeyLock ofTable(Calls calls, String namespace, String table) {
    fill(calls, table);
    return new KeyLock(
        calls, namespace, new Slots(table, RowLock.of(calls, table, "slot").forOthers()));
  }

  /**
   * Makes the rows that are missing. Not when a key is first locked: there the gap that a search in
   * vain locks on InnoDB would let two callers with different keys deadlock, and the wait for
   * another who makes the row would not be the caller's.
   */
  private static void fill(Calls calls, String table) {
    Identifiers names = calls.identifiers();
    String there = "SELECT " + names.column("slot") + " FROM " + names.table(table);
    UniqueNumber<Map<String, @Nullable Object>> numbers =
        UniqueNumber.ofMaps(calls, NumberTable.of(table, "slot"));
    Set<Integer> known = new HashSet<>();
    while (known.size() < SLOTS) {
      // Before each chunk: another process may have made them all by now.
      known.addAll(
          calls.<List<Integer>>call(
              "Reading a table of locks",
              connection -> Calls.query(connection, there, List.of(), KeyLock::integers)));
      List<Integer> missing =
          IntStream.range(0, SLOTS)
              .filter(slot -> !known.contains(slot))
              .limit(CHUNK)
              .boxed()
              .toList();
      if (numbers.insertAll(missing.stream().map(slot -> Map.of("slot", slot)).toList()).stream()
          .anyMatch(Insertion.Busy.class::isInstance)) {
        throw new GuardBusyException(
            "Another transaction is making rows of the table of locks " + table);
      }
      known.addAll(missing);
    }
  }

  /** Whatever else is in the table is not for counting. */
  private static List<Integer> integers(ResultSet rows) throws SQLException {
    List<Integer> all = new ArrayList<>();
    while (rows.next()) {
      int slot = rows.getInt(1);
      if (slot >= 0 && slot < SLOTS) {
        all.add(slot);
      }
    }
    return all;
  }

  private static void requireOwn(Calls calls) {
    if (calls.spec().keyLock() == KeyLocks.NAMED && !calls.ownOnly()) {
      throw new IllegalStateException(
          "A named lock cannot join a transaction: it would be let go before the commit. Make the"
              + " guards with JdbcGuards.of(DataSource), so that the lock's own transaction is"
              + " begun, or give the locks a table: keys(namespace, table)");
    }
  }

  /**
   * This guard in the transaction of a caller of plain JDBC.
   *
   * @param connection a connection to the same database, with autocommit off; its owner commits and
   *     closes it
   * @return a guard for one thread at a time, like its connection
   * @throws IllegalStateException if the lock is a named one of MariaDB or MySQL
   */
  public KeyLock on(Connection connection) {
    Calls joined = calls.on(connection);
    if (slots == null) {
      requireOwn(joined);
    }
    return new KeyLock(joined, namespace, slots == null ? null : slots.on(connection));
  }

  /**
   * Runs work under the lock on a key.
   *
   * @param key any text; only its digest reaches the database
   * @param wait how long to wait for another holder; zero for not at all, at most an hour. InnoDB
   *     counts whole seconds, rounded up
   * @param work what to run; it is given the key
   * @param <T> what the work returns
   * @param <X> what it throws
   * @return what it returned, after the commit where the transaction is the guard's own; or that
   *     the key is locked. Never {@link Locked.NotFound}
   * @throws X what the work threw
   * @throws IllegalStateException on PostgreSQL and H2 if the transaction's isolation is above READ
   *     COMMITTED: the work would read what was there before the lock
   * @throws GuardConflictException if the transaction is to be run again
   * @throws GuardException if the database did not say
   */
  public <T extends @Nullable Object, X extends Exception> Locked<T> run(
      String key, Duration wait, LockedWork<String, T, X> work) throws X {
    Calls.requireWait(wait);
    if (slots != null) {
      return slots.run((int) Long.remainderUnsigned(number(key), SLOTS), key, wait, work);
    } else if (calls.spec().keyLock() == KeyLocks.ADVISORY) {
      return Locking.run(
          calls, "Locking a key", connection -> advisory(connection, key, wait), work);
    }
    AtomicReference<@Nullable Locked<T>> committed = new AtomicReference<>();
    try {
      return calls
          .transactions()
          .<Locked<T>, X>inTransaction(
              transaction -> named(transaction.connection(), key, wait, work, committed));
    } catch (RuntimeException e) {
      // What is committed is, also if its session had to be ended.
      Locked<T> answer = committed.get();
      if (answer == null) {
        throw e;
      }
      return answer;
    }
  }

  private Locked<String> advisory(Connection connection, String key, Duration wait)
      throws SQLException {
    Locking.requireNoSnapshot(calls, connection);
    List<Long> number = List.of(number(key));
    boolean held =
        wait.isZero()
            ? Calls.query(
                connection,
                "SELECT CAST(pg_try_advisory_xact_lock(?) AS int)",
                number,
                KeyLock::isOne)
            : calls.waiting(
                    connection,
                    wait,
                    c ->
                        Calls.query(
                            c, "SELECT 1 FROM pg_advisory_xact_lock(?)", number, KeyLock::isOne))
                != null;
    return held ? new Locked.Ran<>(key) : new Locked.Busy<>();
  }

  /** The transaction ends in here, and the lock after it. */
  private <T extends @Nullable Object, X extends Exception> Locked<T> named(
      Connection connection,
      String key,
      Duration wait,
      LockedWork<String, T, X> work,
      AtomicReference<@Nullable Locked<T>> committed)
      throws X {
    String what = "Locking a key by name";
    String name = calls.told(what, connection, c -> name(c, key));
    long seconds = (wait.toMillis() + 999) / 1000;
    boolean held;
    try {
      held =
          calls.told(
              what,
              connection,
              c -> Calls.query(c, "SELECT GET_LOCK(?, ?)", List.of(name, seconds), KeyLock::isOne));
    } catch (Throwable e) {
      // Nobody knows whether the session has it.
      release(connection, name);
      throw e;
    }
    if (!held) {
      return new Locked.Busy<>();
    }
    try {
      Locked<T> answer = Locking.work(calls, new Locked.Ran<>(key), connection, work);
      calls.told("Committing what was done under a key's lock", connection, KeyLock::commit);
      committed.set(answer);
      return answer;
    } catch (Throwable e) {
      rollback(connection, e);
      throw e;
    } finally {
      release(connection, name);
    }
  }

  private static boolean commit(Connection connection) throws SQLException {
    connection.commit();
    return true;
  }

  private static void rollback(Connection connection, Throwable cause) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  /** A session that may still hold the name must not go back to a pool: it is ended instead. */
  private static void release(Connection connection, String name) {
    boolean released = false;
    try {
      released = Calls.query(connection, "SELECT RELEASE_LOCK(?)", List.of(name), KeyLock::isOne);
    } catch (SQLException e) {
      // The connection is gone.
    }
    if (!released) {
      try {
        connection.abort(Runnable::run);
      } catch (SQLException e) {
        // So it is ended already.
      }
    }
  }

  private static boolean isOne(ResultSet rows) throws SQLException {
    return rows.next() && rows.getInt(1) == 1;
  }

  /** Names are the server's, not the database's. */
  private String name(Connection connection, String key) throws SQLException {
    String catalog = connection.getCatalog();
    byte[] digest = digest(catalog == null ? "" : catalog, namespace, key);
    return "idem:" + HexFormat.of().formatHex(digest, 0, 24);
  }

  private long number(String key) {
    return ByteBuffer.wrap(digest(namespace, key)).getLong();
  }

  /** Each part with its length in front, so that no two tuples meet. */
  private static byte[] digest(String... parts) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      for (String part : parts) {
        byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
        sha.update(ByteBuffer.allocate(4).putInt(bytes.length).array());
        sha.update(bytes);
      }
      return sha.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }

  /** The rows that stand for keys. */
  private record Slots(String table, RowLock locks) {

    Slots on(Connection connection) {
      return new Slots(table, locks.on(connection));
    }

    <T extends @Nullable Object, X extends Exception> Locked<T> run(
        int slot, String key, Duration wait, LockedWork<String, T, X> work) throws X {
      Locked<T> answer = locks.run(slot, wait, (row, connection) -> work.run(key, connection));
      if (answer instanceof Locked.NotFound) {
        throw new GuardException(
            "A row of the table of locks "
                + table
                + " is gone. They are made where the guard is made: make it again, and leave them");
      }
      return answer;
    }
  }
}
