package io.idem.guard.jdbc;

import io.idem.guard.VersionRules;
import io.idem.guard.VersionWrite;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Writes that carry a version, to rows of a table. Thread-safe.
 *
 * <p>{@link #newestWins} is for data that another system pushes with its own version, in any order
 * and repeatedly; {@link #compareAndSet} for editors, who read a version and write the next one. A
 * table is written in one of the two ways, not in both.
 *
 * <p>A single write is one update whose condition is the version. Only if that changes nothing is
 * the row read, to tell why. A batch reads and locks its rows in the order of their ids, because
 * afterwards nothing tells a write that was applied from a repeat, and then writes all that are
 * newer in one update. On MariaDB and MySQL, where a statement for many rows may lock others that
 * it scans, each row is looked up and updated by itself, and the driver sends many together.
 */
public final class VersionGuard {

  /** The most writes of one batch. */
  public static final int MAX_BATCH = 1000;

  private final Calls calls;
  private final String table;
  private final String id;
  private final String version;
  private final Columns columns;

  private VersionGuard(Calls calls, String table, String id, String version, Columns columns) {
    this.calls = calls;
    this.table = table;
    this.id = id;
    this.version = version;
    this.columns = columns;
  }

  static VersionGuard of(Calls calls, VersionTable settings) {
    Identifiers names = calls.identifiers();
    return new VersionGuard(
        calls,
        names.table(settings.table()),
        names.column(settings.id()),
        names.column(settings.version()),
        new Columns(
            names,
            settings.table(),
            settings.columns(),
            List.of(settings.id(), settings.version())));
  }

  /**
   * This guard in the transaction of a caller of plain JDBC.
   *
   * @param connection a connection to the same database, with autocommit off; its owner commits and
   *     closes it
   * @return a guard for one thread at a time, like its connection
   */
  public VersionGuard on(Connection connection) {
    return new VersionGuard(calls.on(connection), table, id, version, columns);
  }

  /**
   * Writes data if it is newer than what is stored.
   *
   * @param id the row's id, as the driver takes it
   * @param version the version of the data
   * @param values what declared columns are set to; a value may be null
   * @return what became of it: a version that is stored already is a {@link VersionWrite.Repeat}
   * @throws IllegalArgumentException if a column was not declared
   * @throws GuardConflictException if the transaction is to be run again
   * @throws GuardBusyException if another transaction held the row for too long
   * @throws GuardException if the database did not say what became of it
   */
  public VersionWrite newestWins(
      Object id, long version, Map<String, ? extends @Nullable Object> values) {
    return write(
        id,
        version,
        values,
        "(" + this.version + " < ? OR " + this.version + " IS NULL)",
        version,
        stored -> VersionRules.newestWins(stored, version));
  }

  /**
   * Writes data if the expected version is stored, and increases the version by one.
   *
   * @param id the row's id, as the driver takes it
   * @param expected the version that the editor has read
   * @param values what declared columns are set to; a value may be null
   * @return what became of it: {@link VersionWrite.Applied} with the new version; any other version
   *     than the expected one is {@link VersionWrite.Stale}, also if it is the one that this edit
   *     would have made, for nobody knows who made it
   * @throws IllegalArgumentException if a column was not declared
   * @throws ArithmeticException if no version comes after the expected one
   * @throws GuardException as {@link #newestWins(Object, long, Map)} throws it
   */
  public VersionWrite compareAndSet(
      Object id, long expected, Map<String, ? extends @Nullable Object> values) {
    return write(
        id,
        Math.addExact(expected, 1),
        values,
        this.version + " = ?",
        expected,
        stored -> VersionRules.compareAndSet(stored, expected));
  }

  /** What a stored version means for a write. */
  private interface Rule {
    VersionWrite decide(@Nullable Long stored);
  }

  private VersionWrite write(
      Object rowId,
      long written,
      Map<String, ? extends @Nullable Object> values,
      String condition,
      long compared,
      Rule rule) {
    Objects.requireNonNull(rowId, "id");
    Objects.requireNonNull(values, "values");
    String text =
        columns.of(values.keySet()).stream()
            .map(column -> column + " = ?, ")
            .collect(
                Collectors.joining(
                    "",
                    "UPDATE " + table + " SET ",
                    version + " = ? WHERE " + id + " = ? AND " + condition));
    List<@Nullable Object> parameters = new ArrayList<>(values.values());
    parameters.addAll(List.of(written, rowId, compared));
    return calls.call(
        "Writing a version of a row of " + table,
        connection -> {
          if (update(connection, text, parameters) == 1) {
            return new VersionWrite.Applied(written);
          }
          VersionWrite answer = read(connection, rowId, calls.spec().freshRead(), rule);
          if (!answer.isApplied()) {
            return answer;
          }
          // The row has changed between the two: now it stands still.
          answer = read(connection, rowId, " FOR UPDATE", rule);
          if (answer.isApplied() && update(connection, text, parameters) != 1) {
            throw new GuardException(
                "A row that is locked could not be updated. Is the id unique?");
          }
          return answer;
        });
  }

  private static int update(Connection connection, String text, Collection<?> parameters)
      throws SQLException {
    int changed = Calls.update(connection, text, parameters);
    if (changed > 1) {
      throw new GuardException(changed + " rows have the same id: it must be unique");
    }
    return changed;
  }

  private VersionWrite read(Connection connection, Object rowId, String suffix, Rule rule)
      throws SQLException {
    return Calls.query(
        connection,
        "SELECT " + version + " FROM " + table + " WHERE " + id + " = ?" + suffix,
        List.of(rowId),
        rows -> rows.next() ? rule.decide(number(rows, 1)) : new VersionWrite.NotFound());
  }

  private static @Nullable Long number(ResultSet rows, int column) throws SQLException {
    long number = rows.getLong(column);
    return rows.wasNull() ? null : number;
  }

  /**
   * Writes a batch of data, each row's newest, if it is newer than what is stored.
   *
   * <p>Of several writes to one row the first one of the newest version speaks for it; the others
   * are answered as if they had come after it.
   *
   * @param writes what is pushed, at most {@value #MAX_BATCH}, all with values for the same columns
   * @return what became of each, in the order of the writes
   * @throws IllegalArgumentException if there are too many, the columns differ or one was not
   *     declared
   * @throws GuardException as {@link #newestWins(Object, long, Map)} throws it; nothing of the
   *     batch was written, once a transaction that was joined is rolled back
   */
  public List<VersionWrite> newestWins(List<Versioned> writes) {
    if (writes.isEmpty()) {
      return List.of();
    }
    if (writes.size() > MAX_BATCH) {
      throw new IllegalArgumentException(
          "A batch has at most " + MAX_BATCH + " writes, but this one " + writes.size());
    }
    Set<String> names = writes.get(0).values().keySet();
    List<String> quoted = columns.of(names);
    if (writes.stream().anyMatch(write -> !write.values().keySet().equals(names))) {
      throw new IllegalArgumentException("The writes of a batch give values for the same columns");
    }
    int[] leaders =
        VersionRules.leaders(
            writes.stream().map(write -> Ids.normal(write.id())).toList(),
            writes.stream().map(Versioned::version).toList());
    return calls.call(
        "Writing versions of rows of " + table,
        connection -> {
          List<Versioned> leading = new ArrayList<>();
          for (int i = 0; i < leaders.length; i++) {
            if (leaders[i] == i) {
              leading.add(writes.get(i));
            }
          }
          Map<String, VersionWrite> answers = answers(connection, leading);
          List<Versioned> newer =
              leading.stream()
                  .filter(write -> answer(answers, write).isApplied())
                  .collect(Collectors.toList());
          if (calls.spec().locksScanned()) {
            updateOneByOne(connection, newer, List.copyOf(names), quoted);
            newer = List.of();
          }
          int perRow = 2 * (quoted.size() + 1) + 1;
          for (int from = 0; from < newer.size(); from += Ids.MAX_PARAMETERS / perRow) {
            int to = Math.min(newer.size(), from + Ids.MAX_PARAMETERS / perRow);
            updateAll(connection, newer.subList(from, to), List.copyOf(names), quoted);
          }
          List<VersionWrite> all = new ArrayList<>();
          for (int i = 0; i < leaders.length; i++) {
            Versioned leader = writes.get(leaders[i]);
            VersionWrite answer = answer(answers, leader);
            all.add(
                leaders[i] == i
                    ? answer
                    : VersionRules.following(answer, leader.version(), writes.get(i).version()));
          }
          return all;
        });
  }

  private static VersionWrite answer(Map<String, VersionWrite> answers, Versioned write) {
    return answers.getOrDefault(Ids.normal(write.id()), new VersionWrite.NotFound());
  }

  /** Locks the rows, in the order of their ids, and says what becomes of each. */
  private Map<String, VersionWrite> answers(Connection connection, List<Versioned> writes)
      throws SQLException {
    return calls.spec().locksScanned()
        ? answersOneByOne(connection, writes)
        : answersAtOnce(connection, writes);
  }

  private Map<String, VersionWrite> answersOneByOne(Connection connection, List<Versioned> writes)
      throws SQLException {
    List<Versioned> ordered = new ArrayList<>(writes);
    ordered.sort((one, other) -> Ids.compare(List.of(one.id()), List.of(other.id())));
    Map<String, VersionWrite> answers = new HashMap<>();
    Points.read(
        connection,
        id + ", " + version,
        table + " WHERE " + id + " = ? FOR UPDATE",
        ordered.stream().map(write -> List.of(write.id())).toList(),
        (row, place) -> {
          Versioned write = ordered.get(place);
          String asked = Ids.normal(write.id());
          if (!Ids.normal(Ids.read(row, 1, write.id())).equals(asked)) {
            throw Ids.alike(id);
          }
          answers.put(asked, VersionRules.newestWins(number(row, 2), write.version()));
        });
    return answers;
  }

  private Map<String, VersionWrite> answersAtOnce(Connection connection, List<Versioned> writes)
      throws SQLException {
    Map<String, Versioned> pushed = new LinkedHashMap<>();
    writes.forEach(write -> pushed.put(Ids.normal(write.id()), write));
    Object sample = writes.get(0).id();
    Map<String, VersionWrite> answers =
        select(
            connection,
            pushed.values(),
            " ORDER BY " + id + " FOR UPDATE",
            rows -> {
              Map<String, VersionWrite> found = new HashMap<>();
              while (rows.next()) {
                String row = Ids.normal(Ids.read(rows, 1, sample));
                @Nullable Versioned write = pushed.get(row);
                if (write == null) {
                  throw Ids.alike(id);
                }
                found.put(row, VersionRules.newestWins(number(rows, 2), write.version()));
              }
              return found;
            });
    pushed.keySet().removeAll(answers.keySet());
    if (!pushed.isEmpty()) {
      requireMissing(connection, pushed, sample);
    }
    return answers;
  }

  /** An id without a row of its own may still be another's for the database. */
  private void requireMissing(Connection connection, Map<String, Versioned> pushed, Object sample)
      throws SQLException {
    select(
        connection,
        pushed.values(),
        "",
        rows -> {
          while (rows.next()) {
            if (!pushed.containsKey(Ids.normal(Ids.read(rows, 1, sample)))) {
              throw Ids.alike(id);
            }
          }
          return true;
        });
  }

  private <R> R select(
      Connection connection,
      Collection<Versioned> writes,
      String suffix,
      SqlWork<ResultSet, R> reader)
      throws SQLException {
    return Calls.query(
        connection,
        "SELECT "
            + id
            + ", "
            + version
            + " FROM "
            + table
            + " WHERE "
            + id
            + " IN ("
            + Ids.placeholders(writes.size())
            + ")"
            + suffix,
        writes.stream().map(Versioned::id).toList(),
        reader);
  }

  /** The driver may send the updates together, and then need not say what each of them did. */
  private void updateOneByOne(
      Connection connection, List<Versioned> writes, List<String> names, List<String> quoted)
      throws SQLException {
    StringBuilder text = new StringBuilder("UPDATE ").append(table).append(" SET ");
    quoted.forEach(column -> text.append(column).append(" = ?, "));
    text.append(version).append(" = ? WHERE ").append(id).append(" = ?");
    try (PreparedStatement statement = connection.prepareStatement(text.toString())) {
      for (Versioned write : writes) {
        int at = 0;
        for (String name : names) {
          statement.setObject(++at, write.values().get(name));
        }
        statement.setLong(++at, write.version());
        statement.setObject(++at, write.id());
        statement.addBatch();
      }
      for (int changed : writes.isEmpty() ? new int[0] : statement.executeBatch()) {
        if (changed != 1 && changed != Statement.SUCCESS_NO_INFO) {
          throw new GuardException(
              changed + " rows have an id that one is locked for. Is the id unique?");
        }
      }
    }
  }

  /** One update of many rows, each with values of its own. The columns give the values' types. */
  private void updateAll(
      Connection connection, List<Versioned> writes, List<String> names, List<String> quoted)
      throws SQLException {
    StringBuilder text = new StringBuilder("UPDATE ").append(table).append(" SET ");
    List<@Nullable Object> parameters = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      choose(text, quoted.get(i), writes.size()).append(", ");
      writes.forEach(
          write -> {
            parameters.add(write.id());
            parameters.add(write.values().get(name));
          });
    }
    choose(text, version, writes.size());
    writes.forEach(write -> parameters.addAll(List.of(write.id(), write.version())));
    text.append(" WHERE ").append(id).append(" IN (");
    text.append(Ids.placeholders(writes.size())).append(')');
    writes.forEach(write -> parameters.add(write.id()));
    int changed = Calls.update(connection, text.toString(), parameters);
    if (changed != writes.size()) {
      throw new GuardException(
          writes.size() + " rows are locked, but " + changed + " were updated. Is the id unique?");
    }
  }

  private StringBuilder choose(StringBuilder text, String column, int rows) {
    text.append(column).append(" = CASE ").append(id);
    return text.append(" WHEN ? THEN ?".repeat(rows))
        .append(" ELSE ")
        .append(column)
        .append(" END");
  }
}
