package io.idem.audit;

import net.sf.jsqlparser.statement.ParenthesedStatement;
import net.sf.jsqlparser.statement.Statement;
import net.sf.jsqlparser.statement.delete.ParenthesedDelete;
import net.sf.jsqlparser.statement.insert.ParenthesedInsert;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import net.sf.jsqlparser.statement.update.ParenthesedUpdate;

/** Statements without the parentheses around them. */
final class Unwrapping {

  private Unwrapping() {}

  static Statement statementOf(ParenthesedStatement parenthesed) {
    if (parenthesed instanceof ParenthesedSelect select) {
      return select.getSelect();
    } else if (parenthesed instanceof ParenthesedInsert insert) {
      return insert.getInsert();
    } else if (parenthesed instanceof ParenthesedUpdate update) {
      return update.getUpdate();
    } else if (parenthesed instanceof ParenthesedDelete delete) {
      return delete.getDelete();
    }
    return parenthesed;
  }
}
