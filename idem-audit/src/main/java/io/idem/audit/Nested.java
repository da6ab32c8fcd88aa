package io.idem.audit;

import java.util.List;
import java.util.regex.Pattern;
import net.sf.jsqlparser.statement.ParenthesedStatement;
import net.sf.jsqlparser.statement.Statement;
import net.sf.jsqlparser.statement.delete.Delete;
import net.sf.jsqlparser.statement.insert.Insert;
import net.sf.jsqlparser.statement.merge.Merge;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.select.WithItem;
import net.sf.jsqlparser.statement.update.Update;
import org.jspecify.annotations.Nullable;

/** Statements within statements: PostgreSQL lets a query change something, wherever it stands. */
final class Nested {

  private static final Pattern QUOTED = Pattern.compile("'(?:[^']|'')*+'|\"[^\"]*+\"");

  /** One that changes something, behind a parenthesis or the steps of a WITH clause. */
  private static final Pattern CHANGE =
      Pattern.compile(
          "[()]\\s*+(?:insert\\s++into|update|delete\\s++from|merge\\s++into|replace\\s++into)"
              + "\\s++[\\w\"`\\[]",
          Pattern.CASE_INSENSITIVE);

  private Nested() {}

  /** How many stand within a statement, and behind the steps of its WITH clause. */
  static int of(Statement statement) {
    String text = QUOTED.matcher(statement.toString()).replaceAll("\"x\"");
    return (int) CHANGE.matcher(text).results().count();
  }

  /** How many of those are looked at by themselves. */
  static int accountedFor(Statement statement) {
    List<WithItem<?>> steps = withOf(statement);
    if (steps == null) {
      return 0;
    }
    int accounted = statement instanceof Select || steps.isEmpty() ? 0 : 1;
    for (WithItem<?> step : steps) {
      ParenthesedStatement inner = step.getParenthesedStatement();
      if (!(inner instanceof Select)) {
        accounted++;
      }
      accounted += accountedFor(Unwrapping.statementOf(inner));
    }
    return accounted;
  }

  private static @Nullable List<WithItem<?>> withOf(Statement statement) {
    if (statement instanceof Select select) {
      return select.getWithItemsList();
    } else if (statement instanceof Update update) {
      return update.getWithItemsList();
    } else if (statement instanceof Delete delete) {
      return delete.getWithItemsList();
    } else if (statement instanceof Insert insert) {
      return insert.getWithItemsList();
    }
    return statement instanceof Merge merge ? merge.getWithItemsList() : null;
  }
}
