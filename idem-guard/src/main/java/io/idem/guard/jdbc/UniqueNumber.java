package io.idem.guard.jdbc;

import io.idem.guard.Insertion;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Rows that are inserted once for each business number. Thread-safe.
 *
 * <p>The rows go in by one statement, in the order of their numbers. A rival who is inserting one
 * of them is waited for. What comes then is the database's:
 *
 * <ul>
 *   <li>PostgreSQL leaves numbers alone that are there and hands out the rows that went in. The
 *       others are read, and so is a row whose number was handed out otherwise than it was given,
 *       or as a float.
 *   <li>H2, MariaDB and MySQL refuse the statement if a number is there, without harm to the
 *       transaction. Then each half goes in by itself, down to the rows whose number is there. They
 *       are read with what is committed now, whatever the transaction's snapshot. If there is none
 *       with that number, the duplicate was one of another constraint, and the error is the
 *       caller's. (On H2 nothing reads past a snapshot: from REPEATABLE READ on, it may also be a
 *       number that this transaction cannot see, and is a conflict.)
 * </ul>
 *
 * @param <T> what is made of a row
 */
public final class UniqueNumber<T extends @Nullable Object> {

  /** The most rows of one batch. */
  public static final int MAX_BATCH = 1000;

  /** A number that is there when it is inserted and not when it is read has been deleted. */
  private static final int TRIES = 3;

  private final Calls calls;
  private final NumberTable settings;
  private final RowReader<T> reader;
  private final String table;
  private final List<String> number;
  private final Columns columns;
  private final String read;

  private UniqueNumber(Calls calls, UniqueNumber<T> other) {
    this.calls = calls;
    this.settings = other.settings;
    this.reader = other.reader;
    this.table = other.table;
    this.number = other.number;
    this.columns = other.columns;
    this.read = other.read;
  }

  private UniqueNumber(Calls calls, NumberTable settings, RowReader<T> reader) {
    Identifiers names = calls.identifiers();
    this.calls = calls;
    this.settings = settings;
    this.reader = reader;
    this.table = names.table(settings.table());
    this.number = new Columns(names, settings.table(), settings.number(), List.of()).all();
    this.columns = new Columns(names, settings.table(), settings.columns(), settings.number());
    List<String> all = new ArrayList<>();
    settings.read().forEach(name -> all.add(names.column(name)));
    all.addAll(number);
    this.read = String.join(", ", all);
  }

  static <T extends @Nullable Object> UniqueNumber<T> of(
      Calls calls, NumberTable settings, RowReader<T> reader) {
    return new UniqueNumber<>(calls, settings, reader);
  }

  /** Every column that is to be read, by the name it was declared with. */
  static UniqueNumber<Map<String, @Nullable Object>> ofMaps(Calls calls, NumberTable settings) {
    return new UniqueNumber<>(
        calls,
        settings,
        row -> {
          Map<String, @Nullable Object> values = new LinkedHashMap<>();
          int at = 0;
          for (String name : settings.read()) {
            values.put(name, row.getObject(++at));
          }
          return values;
        });
  }

  /**
   * This guard in the transaction of a caller of plain JDBC.
   *
   * @param connection a connection to the same database, with autocommit off; its owner commits and
   *     closes it
   * @return a guard for one thread at a time, like its connection
   */
  public UniqueNumber<T> on(Connection connection) {
    return new UniqueNumber<>(calls.on(connection), this);
  }

  /**
   * Inserts a row, unless there is one with its number.
   *
   * @param row its number and values for declared columns; only the latter may be null
   * @return the row, and whether it is new; or that somebody else is inserting it
   * @throws IllegalArgumentException if the number is missing or a column was not declared
   * @throws GuardConflictException if the transaction is to be run again
   * @throws GuardException if the database did not say what became of it, or the row violates
   *     another constraint
   */
  public Insertion<T> insert(Map<String, ? extends @Nullable Object> row) {
    Objects.requireNonNull(row, "row");
    return insertAll(List.of(row)).get(0);
  }

  /**
   * Inserts rows, each unless there is one with its number. Of several rows of the batch with one
   * number the first is inserted, and the others find it.
   *
   * @param rows their numbers and values, all for the same columns; at most {@value #MAX_BATCH}
   * @return what became of each, in the order of the rows. If one is {@link Insertion.Busy}, what
   *     was {@link Insertion.Inserted} beside it is
   * @throws IllegalArgumentException if there are too many, the columns differ, one was not
   *     declared or a number is missing
   * @throws GuardException as {@link #insert} throws it
   */
  public List<Insertion<T>> insertAll(
      List<? extends Map<String, ? extends @Nullable Object>> rows) {
    if (rows.isEmpty()) {
      return List.of();
    }
    if (rows.size() > MAX_BATCH) {
      throw new IllegalArgumentException(
          "A batch has at most " + MAX_BATCH + " rows, but this one " + rows.size());
    }
    List<String> keys = rows.stream().map(this::key).toList();
    Map<String, Map<String, ? extends @Nullable Object>> firsts = new LinkedHashMap<>();
    for (int i = 0; i < rows.size(); i++) {
      if (!rows.get(i).keySet().equals(rows.get(0).keySet())) {
        throw new IllegalArgumentException("The rows of a batch give values for the same columns");
      }
      firsts.putIfAbsent(keys.get(i), rows.get(i));
    }
    List<String> names = new ArrayList<>(rows.get(0).keySet());
    names.removeAll(settings.number());
    List<String> written = new ArrayList<>(number);
    written.addAll(columns.of(names));
    names.addAll(0, settings.number());
    List<List<?>> open = new ArrayList<>();
    for (Map<String, ? extends @Nullable Object> row : firsts.values()) {
      open.add(names.stream().map(row::get).collect(Collectors.toList()));
    }
    // Overlapping batches meet their first common number first, and wait for each other there.
    open.sort((one, other) -> Ids.compare(number(one), number(other)));
    Map<String, Insertion<T>> answers =
        calls.call(
            "Inserting rows with unique numbers into " + table,
            connection -> new Run(connection, written).answers(open));
    Set<String> told = new HashSet<>();
    return keys.stream().map(key -> answer(answers, key, told.add(key))).toList();
  }

  /** A later row of the batch finds what the first one of its number inserted. */
  private Insertion<T> answer(Map<String, Insertion<T>> answers, String key, boolean first) {
    Insertion<T> answer = answers.getOrDefault(key, new Insertion.Busy<>());
    return !first && answer instanceof Insertion.Inserted<T> inserted
        ? new Insertion.Existing<>(inserted.row())
        : answer;
  }

  private String key(Map<String, ? extends @Nullable Object> row) {
    return Ids.normal(numbers(row));
  }

  private List<Object> numbers(Map<String, ? extends @Nullable Object> row) {
    List<Object> parts = new ArrayList<>();
    for (String name : settings.number()) {
      @Nullable Object part = row.get(name);
      if (part == null) {
        throw new IllegalArgumentException(
            "The row has no value for the column \""
                + name
                + "\", which is (a part of) its number in "
                + table);
      }
      parts.add(part);
    }
    return parts;
  }

  /** The number stands in front of a row's values. */
  private List<?> number(List<?> values) {
    return values.subList(0, number.size());
  }

  /** The rows of one call. */
  private final class Run {

    private final Connection connection;
    private final List<String> written;
    private final Map<String, Insertion<T>> answers = new HashMap<>();

    /**
     * Whether a number that was read last need not be found by what was given: the only one is
     * spelled otherwise, or one is a float, which may be another than the decimal or the double
     * that it is written like.
     */
    private boolean doubtful;

    Run(Connection connection, List<String> written) {
      this.connection = connection;
      this.written = written;
    }

    /** Whoever has no answer in the end is busy. */
    Map<String, Insertion<T>> answers(List<List<?>> rows) throws SQLException {
      @Nullable String onConflict = calls.spec().onConflict();
      int most = Ids.MAX_PARAMETERS / written.size();
      Run done =
          calls.waiting(
              connection,
              settings.maxWait(),
              c -> {
                for (int from = 0; from < rows.size(); from += most) {
                  List<List<?>> some = rows.subList(from, Math.min(rows.size(), from + most));
                  if (onConflict == null) {
                    insertByHalves(some, 1);
                  } else {
                    insertOrLeave(some, onConflict.formatted(String.join(", ", number)));
                  }
                }
                return this;
              });
      if (done == null && calls.spec().lockWait().undo() != null) {
        answers.clear();
      }
      return answers;
    }

    private void insertOrLeave(List<List<?>> rows, String onConflict) throws SQLException {
      List<List<?>> open = rows;
      for (int tries = 0; tries < TRIES && !open.isEmpty(); tries++) {
        List<List<?>> tried = open;
        Map<String, T> inserted =
            Calls.query(
                connection,
                insert(open) + onConflict + read,
                values(open),
                result -> rows(result, tried));
        if (doubtful && !read(open, "").keySet().containsAll(inserted.keySet())) {
          throw otherwise();
        }
        inserted.forEach((key, row) -> answers.put(key, new Insertion.Inserted<>(row)));
        open = without(inserted.keySet(), open);
        if (!open.isEmpty()) {
          Map<String, T> there = read(open, "");
          there.forEach((key, row) -> answers.put(key, new Insertion.Existing<>(row)));
          open = without(there.keySet(), open);
        }
      }
      if (!open.isEmpty()) {
        throw new GuardConflictException(
            "Numbers of " + table + " were there when inserted and not when read, again and again");
      }
    }

    private void insertByHalves(List<List<?>> rows, int tries) throws SQLException {
      SQLException duplicate;
      try {
        Calls.update(connection, insert(rows), values(rows));
        readInserted(rows);
        return;
      } catch (SQLException e) {
        if (!calls.spec().errors().duplicate(e)) {
          throw e;
        }
        duplicate = e;
      }
      if (rows.size() > 1) {
        insertByHalves(rows.subList(0, rows.size() / 2), 1);
        insertByHalves(rows.subList(rows.size() / 2, rows.size()), 1);
        return;
      }
      Map<String, T> there = read(rows, calls.spec().readDuplicate());
      if (there.isEmpty() && tries == TRIES) {
        if (calls.spec().readDuplicate().isEmpty()
            && connection.getTransactionIsolation() >= Connection.TRANSACTION_REPEATABLE_READ) {
          throw new GuardConflictException(
              "A number of " + table + " is there, but not in this transaction's snapshot",
              duplicate);
        }
        throw duplicate;
      } else if (there.isEmpty()) {
        insertByHalves(rows, tries + 1);
      } else {
        there.forEach((key, row) -> answers.put(key, new Insertion.Existing<>(row)));
      }
    }

    /** They are its own, so that a locking read waits for nobody, and takes no snapshot. */
    private void readInserted(List<List<?>> rows) throws SQLException {
      Map<String, T> inserted;
      try {
        inserted = read(rows, calls.spec().readDuplicate());
      } catch (SQLException e) {
        // Never an answer: the rows are in, and Busy would say that they are not.
        throw calls.spec().failure("Reading rows that were inserted into " + table, e);
      }
      inserted.forEach((key, row) -> answers.put(key, new Insertion.Inserted<>(row)));
      if (!without(inserted.keySet(), rows).isEmpty()) {
        throw otherwise();
      }
    }

    /** Nor would a repeat be found ever after: it is a number that cannot be guarded. */
    private GuardException otherwise() {
      return new GuardException(
          "A number of "
              + table
              + " is there, but is not found by what was given: the column rounds, cuts or changes"
              + " it, and stores it otherwise than it was given");
    }

    private String insert(List<List<?>> rows) {
      String row = "(" + Ids.placeholders(written.size()) + ")";
      return "INSERT INTO "
          + table
          + " ("
          + String.join(", ", written)
          + ") VALUES "
          + String.join(", ", Collections.nCopies(rows.size(), row));
    }

    private Map<String, T> read(List<List<?>> rows, String suffix) throws SQLException {
      List<List<?>> numbers = new ArrayList<>();
      rows.forEach(row -> numbers.add(number(row)));
      if (calls.spec().locksScanned()) {
        Map<String, T> found = new LinkedHashMap<>();
        String rest = table + " WHERE " + String.join(" = ? AND ", number) + " = ?" + suffix;
        Points.read(
            connection,
            read,
            rest,
            numbers,
            (row, place) -> found.put(Ids.normal(numbers.get(place)), reader.read(row)));
        return found;
      }
      boolean single = number.size() == 1;
      String key = single ? "?" : "(" + Ids.placeholders(number.size()) + ")";
      return Calls.query(
          connection,
          "SELECT "
              + read
              + " FROM "
              + table
              + " WHERE "
              + (single ? number.get(0) : "(" + String.join(", ", number) + ")")
              + " IN ("
              + String.join(", ", Collections.nCopies(rows.size(), key))
              + ")"
              + suffix,
          values(numbers),
          result -> rows(result, rows));
    }

    private List<@Nullable Object> values(List<? extends List<?>> rows) {
      List<@Nullable Object> all = new ArrayList<>();
      rows.forEach(all::addAll);
      return all;
    }

    /** Of a single row it is known which one it is, however the database spells its number. */
    private Map<String, T> rows(ResultSet result, List<List<?>> asked) throws SQLException {
      Map<String, T> rows = new LinkedHashMap<>();
      doubtful = false;
      while (result.next()) {
        List<Object> key = new ArrayList<>();
        for (int i = 1; i <= number.size(); i++) {
          key.add(Ids.read(result, settings.read().size() + i, asked.get(0).get(i - 1)));
        }
        String stored = Ids.normal(key);
        if (asked.size() == 1) {
          String given = Ids.normal(number(asked.get(0)));
          doubtful = !stored.equals(given);
          stored = given;
        }
        doubtful |= key.stream().anyMatch(part -> part instanceof Float || part instanceof Double);
        rows.put(stored, reader.read(result));
      }
      return rows;
    }

    /** Those whose number is not among the keys, all of which must be theirs. */
    private List<List<?>> without(Set<String> keys, List<List<?>> rows) {
      List<List<?>> left = new ArrayList<>();
      for (List<?> row : rows) {
        if (!keys.contains(Ids.normal(number(row)))) {
          left.add(row);
        }
      }
      if (left.size() != rows.size() - keys.size()) {
        throw Ids.alike(String.join(", ", number));
      }
      return left;
    }
  }
}
