package io.idem.audit;

import java.util.List;
import java.util.Set;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.StringValue;
import net.sf.jsqlparser.expression.TrimFunction;
import net.sf.jsqlparser.expression.operators.arithmetic.BitwiseAnd;
import net.sf.jsqlparser.expression.operators.arithmetic.BitwiseOr;
import net.sf.jsqlparser.schema.Column;

/** Values computed from the column itself in a way that a second time changes nothing. */
final class Settled {

  private static final Set<String> KEEPS = Set.of("coalesce", "ifnull", "nvl");
  private static final Set<String> BOUNDS = Set.of("greatest", "least");
  private static final Set<String> CASES = Set.of("upper", "lower", "ucase", "lcase");
  private static final Set<String> TRIMS = Set.of("trim", "ltrim", "rtrim", "btrim");
  private static final Set<String> JSON_SETS =
      Set.of("json_set", "json_replace", "json_insert", "jsonb_set");

  private Settled() {}

  /** Whether f(f(x)) = f(x) for the column x and everything else absolute. */
  static boolean is(Column column, Expression value, Changed changed) {
    if (isOwn(column, changed, value)) {
      return true;
    }
    if (value instanceof BitwiseOr || value instanceof BitwiseAnd) {
      BinaryExpression bits = (BinaryExpression) value;
      return isOwnAnd(column, bits.getLeftExpression(), bits.getRightExpression(), changed)
          || isOwnAnd(column, bits.getRightExpression(), bits.getLeftExpression(), changed);
    }
    if (value instanceof TrimFunction trim && trim.getFromExpression() == null) {
      return isCaseOf(column, changed, Written.unwrap(trim.getExpression()));
    }
    if (!(value instanceof Function function) || function.getParameters() == null) {
      return false;
    }
    String name = Functions.plain(function.getName());
    List<? extends Expression> arguments = function.getParameters();
    if (CASES.contains(name) || TRIMS.contains(name)) {
      return isCaseOf(column, changed, value);
    }
    Expression first = Written.unwrap(arguments.get(0));
    boolean othersAbsolute =
        arguments.stream().skip(1).allMatch(other -> Written.isAbsolute(other, changed));
    if (KEEPS.contains(name)) {
      return isOwn(column, changed, first) && othersAbsolute;
    }
    if (BOUNDS.contains(name)) {
      long own = arguments.stream().filter(each -> isOwnOrDefault(column, each, changed)).count();
      return own == 1
          && arguments.stream()
              .filter(each -> !isOwnOrDefault(column, each, changed))
              .allMatch(each -> Written.isAbsolute(each, changed));
    }
    if (name.equals("array_remove") || name.equals("json_merge_patch")) {
      return arguments.size() == 2 && isOwn(column, changed, first) && othersAbsolute;
    }
    // A path of names sets a field; one with a number may append to an array.
    return JSON_SETS.contains(name)
        && isOwn(column, changed, first)
        && othersAbsolute
        && arguments.size() > 2
        && (!name.equals("json_insert") || arguments.size() == 3) // one may make way for another
        && arePathsOfNames(arguments, name.equals("jsonb_set") ? 2 : arguments.size());
  }

  private static boolean arePathsOfNames(List<? extends Expression> arguments, int end) {
    for (int i = 1; i < end; i += 2) {
      if (!isPathOfNames(arguments.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPathOfNames(Expression path) {
    return Written.unwrap(path) instanceof StringValue text
        && text.getValue().matches("(\\$(\\.[A-Za-z_]\\w*)+|\\{[A-Za-z_]\\w*(,[A-Za-z_]\\w*)*})");
  }

  private static boolean isOwnOrDefault(Column column, Expression value, Changed changed) {
    Expression bare = Written.unwrap(value);
    return isOwn(column, changed, bare)
        || (bare instanceof Function function
            && function.getParameters() != null
            && KEEPS.contains(Functions.plain(function.getName()))
            && isOwn(column, changed, Written.unwrap(function.getParameters().get(0)))
            && function.getParameters().stream()
                .skip(1)
                .allMatch(each -> Written.isAbsolute(each, changed)));
  }

  /** Case and white space, in any order. */
  private static boolean isCaseOf(Column column, Changed changed, Expression value) {
    Expression bare = Written.unwrap(value);
    if (isOwn(column, changed, bare)) {
      return true;
    }
    if (bare instanceof TrimFunction trim) {
      return trim.getFromExpression() == null && isCaseOf(column, changed, trim.getExpression());
    }
    return bare instanceof Function function
        && function.getParameters() != null
        && function.getParameters().size() == 1
        && (CASES.contains(Functions.plain(function.getName()))
            || TRIMS.contains(Functions.plain(function.getName())))
        && isCaseOf(column, changed, function.getParameters().get(0));
  }

  private static boolean isOwnAnd(
      Column column, Expression own, Expression other, Changed changed) {
    return isOwn(column, changed, Written.unwrap(own)) && Written.isAbsolute(other, changed);
  }

  private static boolean isOwn(Column column, Changed changed, Expression value) {
    return value instanceof Column same
        && Names.of(same).equals(Names.of(column))
        && changed.isOfChangedRow(same)
        // Where rows of several tables are changed, one of the same name may be another's.
        && (!changed.isSeveral() || same.toString().equalsIgnoreCase(column.toString()));
  }
}
