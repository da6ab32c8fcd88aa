package io.idem.audit;

import java.util.List;
import java.util.Set;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.schema.Column;

/** Whether an update of a present row leaves what the insert would have written. */
enum Agreement {
  YES,
  /** If two parameters are the same. */
  IF_SAME,
  NO;

  static Agreement of(Rows rows, String column, Expression value, Set<String> proposed) {
    Expression bare = Written.unwrap(value);
    if (isProposed(bare, column, proposed) || isBoundOf(bare, column, proposed)) {
      return rows.isSteady(column) ? Agreement.YES : Agreement.NO;
    }
    List<Expression> inserted = rows.valuesOf(column);
    if (bare instanceof Column own
        && Names.of(own).equals(column)
        && !proposed.contains(String.valueOf(Names.qualifierOf(own)))) {
      return Agreement.YES; // left as it is
    }
    if (inserted.isEmpty()) {
      return Agreement.NO;
    }
    Agreement agreement = Agreement.YES;
    for (Expression each : inserted) {
      if (Written.isParameter(each) && Written.isParameter(bare)) {
        String one = Written.parameterName(each);
        String other = Written.parameterName(bare);
        if (one == null || other == null) {
          agreement = Agreement.IF_SAME;
        } else if (!one.equals(other)) {
          return Agreement.NO;
        }
      } else if (!each.toString().equals(bare.toString())) {
        return Agreement.NO;
      }
    }
    return agreement;
  }

  /** {@code EXCLUDED.x}, {@code VALUES(x)} or the row's alias. */
  private static boolean isProposed(Expression value, String column, Set<String> proposed) {
    if (value instanceof Column given) {
      String qualifier = Names.qualifierOf(given);
      return qualifier != null && proposed.contains(qualifier) && Names.of(given).equals(column);
    }
    return value instanceof Function function
        && Functions.plain(function.getName()).equals("values")
        && function.getParameters() != null
        && function.getParameters().size() == 1
        && function.getParameters().get(0) instanceof Column given
        && Names.of(given).equals(column);
  }

  /** {@code GREATEST(t.x, EXCLUDED.x)}: of two that are alike, the one. */
  private static boolean isBoundOf(Expression value, String column, Set<String> proposed) {
    return value instanceof Function function
        && Set.of("greatest", "least", "coalesce", "ifnull")
            .contains(Functions.plain(function.getName()))
        && function.getParameters() != null
        && function.getParameters().stream()
            .map(Written::unwrap)
            .allMatch(
                each ->
                    isProposed(each, column, proposed)
                        || (each instanceof Column own && Names.of(own).equals(column)));
  }
}
