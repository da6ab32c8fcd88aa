package io.idem.audit;

import java.util.List;
import java.util.Set;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.schema.Column;
import org.jspecify.annotations.Nullable;

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
        && isOfTarget(rows, Names.qualifierOf(own))
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
      } else if (!isSame(rows, each, bare) || !rows.isSteady(column)) {
        return Agreement.NO;
      }
    }
    return agreement;
  }

  private static boolean isOfTarget(Rows rows, @Nullable String qualifier) {
    return qualifier == null
        || qualifier.equals(rows.name())
        || qualifier.equals(Names.of(rows.table().getAlias()));
  }

  /** The same text, or the same column of the only source, which one of the two names. */
  private static boolean isSame(Rows rows, Expression inserted, Expression updated) {
    return inserted.toString().equals(updated.toString())
        || (rows.sources().items().size() == 1
            && inserted instanceof Column one
            && updated instanceof Column other
            && Names.qualifierOf(one) == null
            && !isOfTarget(rows, Names.qualifierOf(other))
            && Names.of(one).equals(Names.of(other)));
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
