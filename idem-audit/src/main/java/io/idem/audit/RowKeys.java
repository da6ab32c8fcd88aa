package io.idem.audit;

import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Whether an inserted row meets itself in a repeat, by the unique keys of its table. */
final class RowKeys {

  private final UniqueKeys keys;

  RowKeys(UniqueKeys keys) {
    this.keys = keys;
  }

  /** Whether a repeat meets its own row: why not, or the key. */
  record Match(Verdict verdict, String why, @Nullable UniqueKey key) {

    Match(Verdict verdict, String why) {
      this(verdict, why, null);
    }

    Match(UniqueKey key) {
      this(Verdict.IDEMPOTENT, key.toString(), key);
    }
  }

  /**
   * Whether a key may be an id that the application makes up for each call.
   *
   * @param only whether no other key refuses a repeat
   */
  boolean mayBeMadeUp(Rows rows, UniqueKey key, boolean only) {
    if (key.columns().size() != 1 || !rows.onlyParameters(key)) {
      return false;
    }
    List<UniqueKey> known = known(rows);
    if (!only && known.stream().anyMatch(each -> !each.primary() && rows.covers(each))) {
      return false;
    }
    return known.stream()
        .filter(each -> each.columns().equals(key.columns()))
        .findFirst()
        .map(UniqueKey::primary)
        .orElse(key.columns().contains("id"));
  }

  static String madeUp(UniqueKey key) {
    return "the primary key "
        + key
        + " refuses a repeat only if its value comes with the request: one that is made up"
        + " for each call makes another row";
  }

  Match match(Rows rows, @Nullable UniqueKey named, boolean constraint) {
    if (named != null) {
      if (rows.columns() == null) {
        return new Match(
            Verdict.UNKNOWN, "it names no columns, so whether it gives " + named + " is not known");
      }
      return rows.covers(named)
          ? new Match(named)
          : new Match(
              Verdict.NOT_IDEMPOTENT,
              "the key "
                  + named
                  + " is made up for each row, so a repeat does not find the first one's");
    }
    List<UniqueKey> known = known(rows);
    UniqueKey covering = known.stream().filter(rows::covers).findFirst().orElse(null);
    if (covering != null) {
      return new Match(covering);
    }
    if (constraint || known.isEmpty() || rows.columns() == null) {
      return new Match(
          Verdict.UNKNOWN, "which unique key of " + rows.name() + " refuses a repeat is not known");
    }
    return new Match(Verdict.NOT_IDEMPOTENT, uncovered(rows, known) + ", so a repeat adds a row");
  }

  static String uncovered(Rows rows, List<UniqueKey> known) {
    TreeSet<String> names = new TreeSet<>();
    known.forEach(key -> names.add(key.toString()));
    return "it gives no unique key of "
        + rows.name()
        + " a value of its own: "
        + String.join(", ", names)
        + " "
        + (names.size() == 1 ? "is" : "are")
        + " left out or made up";
  }

  List<UniqueKey> known(Rows rows) {
    return keys.of(rows.table().getUnquotedSchemaName(), rows.table().getUnquotedName());
  }
}
