package io.idem.guard.jdbc;

import io.idem.guard.IllegalTransitionException;
import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A state machine whose objects are rows of a table. Thread-safe.
 *
 * <p>A transition is made like this, all in the caller's transaction:
 *
 * <ol>
 *   <li>One update sets the state where the row is in a state that leads there. If it changes the
 *       row, the transition is applied, and a history row is written if there is a history.
 *   <li>Else the row is read, and the rules say what its state means.
 *   <li>If they say that it could be applied, the row has changed between the two: it is locked,
 *       and both are done again.
 * </ol>
 *
 * <p>Of any number of concurrent callers one is told {@link Transition.Applied}. What it is told
 * holds once its transaction commits.
 *
 * @param <S> the states
 */
public final class StateGuard<S extends Enum<S>> {

  private final Calls calls;
  private final StateMachine<S> machine;
  private final Statements<S> sql;

  private StateGuard(Calls calls, StateMachine<S> machine, Statements<S> sql) {
    this.calls = calls;
    this.machine = machine;
    this.sql = sql;
  }

  StateGuard(
      Calls calls, StateMachine<S> machine, StateTable table, Function<? super S, String> stored) {
    this(calls, machine.requireSound(), new Statements<>(calls, machine, table, stored));
  }

  /**
   * This guard in the transaction of a caller of plain JDBC.
   *
   * @param connection a connection to the same database, with autocommit off; its owner commits and
   *     closes it
   * @return a guard for one thread at a time, like its connection
   */
  public StateGuard<S> on(Connection connection) {
    return new StateGuard<>(calls.on(connection), machine, sql);
  }

  /**
   * Whose transaction each call is a part of.
   *
   * @return how it is joined or begun
   */
  public JdbcTransactions transactions() {
    return calls.transactions();
  }

  /**
   * The rules.
   *
   * @return the machine
   */
  public StateMachine<S> machine() {
    return machine;
  }

  /**
   * Changes the state of a row, unless it is there or past it.
   *
   * @param id the row's id, as the driver takes it
   * @param to the state it is to be in
   * @return what became of it, never {@link Transition.Illegal}
   * @throws IllegalTransitionException if its state does not lead there; nothing changed
   * @throws GuardConflictException if the transaction is to be run again
   * @throws GuardBusyException if another transaction held the row for too long
   * @throws GuardException if the database did not say what became of it, or the row has a state
   *     that the machine does not know
   */
  public Transition<S> transition(Object id, S to) {
    return transition(id, to, Map.of());
  }

  /**
   * Changes the state of a row and sets columns beside it, unless it is there or past it.
   *
   * @param id the row's id, as the driver takes it
   * @param to the state it is to be in
   * @param values what declared columns are set to in the same statement; a value may be null
   * @return what became of it, never {@link Transition.Illegal}
   * @throws IllegalTransitionException if its state does not lead there; nothing changed
   * @throws IllegalArgumentException if a column was not declared
   * @throws GuardException as {@link #transition(Object, Enum)} throws it
   */
  public Transition<S> transition(Object id, S to, Map<String, ? extends @Nullable Object> values) {
    return tryTransition(id, to, values).orElseThrow();
  }

  /**
   * As {@link #transition(Object, Enum)}, with an illegal transition as an answer too.
   *
   * @param id the row's id, as the driver takes it
   * @param to the state it is to be in
   * @return what became of it
   * @throws GuardException as {@link #transition(Object, Enum)} throws it
   */
  public Transition<S> tryTransition(Object id, S to) {
    return tryTransition(id, to, Map.of());
  }

  /**
   * As {@link #transition(Object, Enum, Map)}, with an illegal transition as an answer too.
   *
   * @param id the row's id, as the driver takes it
   * @param to the state it is to be in
   * @param values what declared columns are set to in the same statement; a value may be null
   * @return what became of it
   * @throws IllegalArgumentException if a column was not declared
   * @throws GuardException as {@link #transition(Object, Enum)} throws it
   */
  public Transition<S> tryTransition(
      Object id, S to, Map<String, ? extends @Nullable Object> values) {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(to, "to");
    Objects.requireNonNull(values, "values");
    Set<S> sources = machine.sources(to);
    List<String> columns = sql.columns.of(values.keySet());
    return calls.call(
        "Changing the state of a row of " + sql.table,
        connection -> new Attempt<>(this, connection, id, to, columns, values).run(sources));
  }

  /**
   * The state of a row, as the transaction sees it. Nothing is locked.
   *
   * @param id the row's id, as the driver takes it
   * @return the state; null if there is no such row
   * @throws GuardException if the database did not say, or the row has a state that the machine
   *     does not know
   */
  public @Nullable S state(Object id) {
    Objects.requireNonNull(id, "id");
    return calls
        .call("Reading the state of a row of " + sql.table, connection -> read(connection, id, ""))
        .orElse(null);
  }

  private Optional<S> read(Connection connection, Object id, String suffix) throws SQLException {
    return Calls.query(
        connection,
        sql.read + suffix,
        List.of(id),
        rows -> rows.next() ? Optional.of(sql.state(id, Ids.text(rows, 1))) : Optional.empty());
  }

  /** One transition of one row. */
  private record Attempt<S extends Enum<S>>(
      StateGuard<S> guard,
      Connection connection,
      Object id,
      S to,
      List<String> columns,
      Map<String, ? extends @Nullable Object> values) {

    Transition<S> run(Set<S> sources) throws SQLException {
      if (guard.sql.historyHasFrom && sources.size() > 1) {
        return locked();
      }
      if (update(sources)) {
        return applied(sources.size() == 1 ? sources.iterator().next() : null);
      }
      Transition<S> answer = decide(guard.read(connection, id, guard.calls.spec().freshRead()));
      return answer.isApplied() ? locked() : answer;
    }

    /** The row stands still from here on, so that the rules have the last word. */
    private Transition<S> locked() throws SQLException {
      Optional<S> current = guard.read(connection, id, " FOR UPDATE");
      Transition<S> answer = decide(current);
      if (!answer.isApplied()) {
        return answer;
      }
      S from = current.orElseThrow();
      if (!update(Set.of(from))) {
        throw new GuardException(
            "A row that is locked in the state "
                + from.name()
                + " could not be updated in it. Is the id unique?");
      }
      return applied(from);
    }

    private Transition<S> decide(Optional<S> current) {
      return current
          .map(state -> guard.machine.decide(state, to))
          .orElseGet(Transition.NotFound::new);
    }

    private boolean update(Set<S> sources) throws SQLException {
      if (sources.isEmpty()) {
        return false;
      }
      List<@Nullable Object> parameters = new ArrayList<>();
      parameters.add(guard.sql.stored(to));
      parameters.addAll(values.values());
      parameters.add(id);
      sources.forEach(state -> parameters.add(guard.sql.stored(state)));
      int changed = Calls.update(connection, guard.sql.update(columns, sources.size()), parameters);
      if (changed > 1) {
        throw new GuardException(changed + " rows have the same id: it must be unique");
      }
      return changed == 1;
    }

    private Transition<S> applied(@Nullable S from) throws SQLException {
      @Nullable String history = guard.sql.history;
      if (history != null) {
        List<@Nullable Object> parameters = new ArrayList<>();
        parameters.add(id);
        parameters.add(guard.sql.stored(to));
        if (guard.sql.historyHasFrom) {
          parameters.add(from == null ? null : guard.sql.stored(from));
        }
        Calls.update(connection, history, parameters);
      }
      return new Transition.Applied<>(to);
    }
  }

  /** The texts, made once. */
  private static final class Statements<S extends Enum<S>> {

    final String table;
    final Columns columns;
    final String read;
    final @Nullable String history;
    final boolean historyHasFrom;
    private final String set;
    private final String where;
    private final Map<S, String> stored = new HashMap<>();
    private final Map<String, S> states = new HashMap<>();

    Statements(
        Calls calls,
        StateMachine<S> machine,
        StateTable settings,
        Function<? super S, String> stored) {
      Identifiers names = calls.identifiers();
      String id = names.column(settings.id());
      String state = names.column(settings.state());
      List<String> reserved = new ArrayList<>(List.of(settings.id(), settings.state()));
      String increment = "";
      if (settings.incremented() != null) {
        reserved.add(settings.incremented());
        String column = names.column(settings.incremented());
        increment = ", " + column + " = " + column + " + 1";
      }
      this.table = names.table(settings.table());
      this.columns = new Columns(names, settings.table(), settings.columns(), reserved);
      this.read = "SELECT " + state + " FROM " + table + " WHERE " + id + " = ?";
      this.set = "UPDATE " + table + " SET " + state + " = ?" + increment;
      this.where = " WHERE " + id + " = ? AND " + state + " IN (";
      this.history = history(names, settings.history());
      this.historyHasFrom = settings.history() != null && settings.history().from() != null;
      Map<String, S> byCaseless = new HashMap<>();
      for (S one : machine.states()) {
        String text = stored.apply(one);
        this.stored.put(one, text);
        states.put(text, one);
        // Many a collation would take two for the same.
        @Nullable S other = byCaseless.put(text.toLowerCase(Locale.ROOT), one);
        if (other != null) {
          throw new IllegalArgumentException(
              other.name() + " and " + one.name() + " are stored alike, but for their case");
        }
      }
    }

    private static @Nullable String history(Identifiers names, @Nullable HistoryTable settings) {
      if (settings == null) {
        return null;
      }
      List<String> columns = new ArrayList<>();
      columns.add(names.column(settings.id()));
      columns.add(names.column(settings.to()));
      String values = "?, ?";
      if (settings.from() != null) {
        columns.add(names.column(settings.from()));
        values += ", ?";
      }
      if (settings.at() != null) {
        columns.add(names.column(settings.at()));
        values += ", CURRENT_TIMESTAMP";
      }
      return "INSERT INTO "
          + names.table(settings.table())
          + " ("
          + String.join(", ", columns)
          + ") VALUES ("
          + values
          + ")";
    }

    String update(List<String> more, int sources) {
      return set
          + more.stream().map(column -> ", " + column + " = ?").collect(Collectors.joining())
          + where
          + String.join(", ", Collections.nCopies(sources, "?"))
          + ")";
    }

    String stored(S state) {
      return Objects.requireNonNull(stored.get(state));
    }

    S state(Object id, @Nullable String text) {
      @Nullable S state = text == null ? null : states.get(text);
      if (state == null) {
        throw new GuardException(
            "The row "
                + Ids.normal(id)
                + " of "
                + table
                + " is in a state that the machine does not know: "
                + (text == null ? "null" : "\"" + text + "\"")
                + ". It knows "
                + states.keySet());
      }
      return state;
    }
  }
}
