package io.idem.audit;

import static io.idem.audit.Classification.idempotent;
import static io.idem.audit.Classification.not;
import static io.idem.audit.Classification.unknown;

import io.idem.audit.Functions.Nature;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.statement.Commit;
import net.sf.jsqlparser.statement.CreateFunctionalStatement;
import net.sf.jsqlparser.statement.DescribeStatement;
import net.sf.jsqlparser.statement.ExplainStatement;
import net.sf.jsqlparser.statement.ReturningClause;
import net.sf.jsqlparser.statement.RollbackStatement;
import net.sf.jsqlparser.statement.SavepointStatement;
import net.sf.jsqlparser.statement.SetStatement;
import net.sf.jsqlparser.statement.ShowColumnsStatement;
import net.sf.jsqlparser.statement.ShowStatement;
import net.sf.jsqlparser.statement.Statement;
import net.sf.jsqlparser.statement.UseStatement;
import net.sf.jsqlparser.statement.alter.Alter;
import net.sf.jsqlparser.statement.analyze.Analyze;
import net.sf.jsqlparser.statement.comment.Comment;
import net.sf.jsqlparser.statement.create.index.CreateIndex;
import net.sf.jsqlparser.statement.create.schema.CreateSchema;
import net.sf.jsqlparser.statement.create.sequence.CreateSequence;
import net.sf.jsqlparser.statement.create.table.CreateTable;
import net.sf.jsqlparser.statement.create.view.CreateView;
import net.sf.jsqlparser.statement.delete.Delete;
import net.sf.jsqlparser.statement.drop.Drop;
import net.sf.jsqlparser.statement.execute.Execute;
import net.sf.jsqlparser.statement.grant.Grant;
import net.sf.jsqlparser.statement.insert.Insert;
import net.sf.jsqlparser.statement.lock.LockStatement;
import net.sf.jsqlparser.statement.merge.Merge;
import net.sf.jsqlparser.statement.refresh.RefreshMaterializedViewStatement;
import net.sf.jsqlparser.statement.select.PlainSelect;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.select.SelectItem;
import net.sf.jsqlparser.statement.select.WithItem;
import net.sf.jsqlparser.statement.show.ShowIndexStatement;
import net.sf.jsqlparser.statement.show.ShowTablesStatement;
import net.sf.jsqlparser.statement.truncate.Truncate;
import net.sf.jsqlparser.statement.update.Update;
import net.sf.jsqlparser.statement.upsert.Upsert;
import org.jspecify.annotations.Nullable;

/** What a statement that has been read is to repeats. */
final class StatementRules {

  private static final Comparator<Classification> WORST =
      Comparator.comparing(
          each ->
              switch (each.verdict()) {
                case IDEMPOTENT -> 0;
                case UNKNOWN -> 1;
                case NOT_IDEMPOTENT -> 2;
              });

  private final UpdateRules updates;
  private final InsertRules inserts;
  private final MergeRules merges;

  StatementRules(UniqueKeys keys, Set<String> harmless) {
    this.updates = new UpdateRules(keys, harmless);
    this.inserts = new InsertRules(keys, updates, harmless);
    this.merges = new MergeRules(keys, updates, harmless);
  }

  Classification of(List<Statement> statements) {
    if (statements.size() == 1) {
      return of(statements.get(0));
    }
    Classification worst =
        statements.stream()
            .map(this::of)
            .max(WORST)
            .orElseGet(() -> unknown(StatementKind.UNREADABLE, "there is no statement in it"));
    return worst.isIdempotent()
        // What each leaves behind another may change before the repeat.
        ? unknown(
            StatementKind.SEVERAL,
            "each of its statements is idempotent, but whether all of them are together is not"
                + " known")
        : worst;
  }

  /** How often each function is called, as far as the statements are understood. */
  static Map<String, Integer> callsIn(List<Statement> statements) {
    Map<String, Integer> calls = new HashMap<>();
    for (Statement statement : statements) {
      try {
        Scan.of(statement).calls.forEach((name, times) -> calls.merge(name, times, Integer::sum));
      } catch (UnsupportedOperationException e) {
        // The visitor knows statements over tables only; the others call nothing.
      }
    }
    return calls;
  }

  Classification of(Statement statement) {
    Classification found = ofOne(statement);
    return found.isIdempotent() && Nested.of(statement) > Nested.accountedFor(statement)
        ? unknown(
            StatementKind.SEVERAL,
            "it changes something within a query, which is not understood completely")
        : found;
  }

  private Classification ofOne(Statement statement) {
    if (statement instanceof Select select) {
      return withSteps(select.getWithItemsList(), query(select));
    } else if (statement instanceof Update update) {
      return withSteps(
          update.getWithItemsList(),
          returning(update.getReturningClause(), whole(update, updates.of(update))));
    } else if (statement instanceof Delete delete) {
      return withSteps(
          delete.getWithItemsList(),
          returning(delete.getReturningClause(), whole(delete, updates.of(delete))));
    } else if (statement instanceof Insert insert) {
      return withSteps(
          insert.getWithItemsList(),
          returning(insert.getReturningClause(), whole(insert, inserts.of(insert))));
    } else if (statement instanceof Upsert upsert) {
      return inserts.of(upsert);
    } else if (statement instanceof Merge merge) {
      return withSteps(
          merge.getWithItemsList(),
          returning(merge.getReturningClause(), whole(merge, merges.of(merge))));
    } else if (statement instanceof Execute) {
      return unknown(StatementKind.CALL, "what the procedure does is not known");
    } else if (statement instanceof Truncate) {
      return idempotent(StatementKind.TRUNCATE, "a repeat finds an empty table");
    } else if (statement instanceof ExplainStatement explain) {
      return explain(explain);
    } else if (statement instanceof Commit
        || statement instanceof RollbackStatement
        || statement instanceof SavepointStatement) {
      return idempotent(StatementKind.TRANSACTION_CONTROL, "it changes no row by itself");
    } else if (statement instanceof LockStatement) {
      return idempotent(StatementKind.LOCKING_QUERY, "it locks until the transaction ends");
    } else if (statement instanceof SetStatement && statement.toString().contains("(")) {
      return unknown(StatementKind.SESSION, "what it computes to set is not known");
    } else if (statement instanceof SetStatement
        || statement instanceof ShowStatement
        || statement instanceof ShowColumnsStatement
        || statement instanceof ShowIndexStatement
        || statement instanceof ShowTablesStatement
        || statement instanceof DescribeStatement
        || statement instanceof UseStatement) {
      return idempotent(StatementKind.SESSION, "it changes nothing but the session");
    }
    return ddl(statement);
  }

  private static Classification ddl(Statement statement) {
    boolean repeatable =
        statement instanceof CreateTable
            || statement instanceof CreateSchema
            || statement instanceof CreateSequence
            || statement instanceof CreateView
            || statement instanceof Drop
            || statement instanceof Grant
            || statement instanceof Comment
            || statement instanceof Analyze
            || statement instanceof RefreshMaterializedViewStatement
            || (statement instanceof CreateIndex index && index.getIndex().getName() != null);
    if (repeatable) {
      return idempotent(
          StatementKind.DDL, "a repeat finds the schema as it leaves it, or is refused");
    }
    if (statement instanceof Alter
        || statement instanceof CreateIndex
        || statement instanceof CreateFunctionalStatement
        || statement.getClass().getSimpleName().startsWith("Create")
        || statement.getClass().getSimpleName().startsWith("Alter")) {
      return unknown(StatementKind.DDL, "whether the schema refuses a repeat is not known");
    }
    return unknown(StatementKind.UNREADABLE, "what it does is not known here");
  }

  private Classification explain(ExplainStatement explain) {
    Classification explained = of(explain.getStatement());
    boolean runs = explain.toString().toLowerCase(Locale.ROOT).contains("analyze");
    return runs && !explained.isIdempotent()
        ? explained
        : idempotent(StatementKind.QUERY, "it reads only");
  }

  private static Classification query(Select select) {
    Scan scan = Scan.of((Expression) select);
    if (scan.calls(Nature.UNKNOWN)) {
      return unknown(
          StatementKind.SIDE_EFFECT,
          "it calls " + scan.calledOf(Nature.UNKNOWN) + ", of which nothing is known");
    }
    if (scan.calls(Nature.EFFECT)) {
      String called = scan.calledOf(Nature.EFFECT);
      String name = called.substring(0, called.indexOf('('));
      return not(StatementKind.SIDE_EFFECT, name + "() " + Functions.effectOf(name));
    }
    if (scan.calls(Nature.SEQUENCE)) {
      return not(
          StatementKind.SEQUENCE, "it draws another number of the sequence at each execution");
    }
    if (scan.assigns) {
      return unknown(StatementKind.SIDE_EFFECT, "it sets a variable of the session");
    }
    if (select instanceof PlainSelect plain
        && plain.getIntoTables() != null
        && !plain.getIntoTables().isEmpty()) {
      return unknown(
          StatementKind.DDL, "whether what it selects into refuses a repeat is not known");
    }
    if (select instanceof PlainSelect plain && plain.getMySqlSelectIntoClause() != null) {
      return unknown(StatementKind.SIDE_EFFECT, "it writes what it selects to a file or variable");
    }
    if (scan.calls(Nature.HARMLESS_EFFECT)) {
      return idempotent(
          StatementKind.SIDE_EFFECT,
          scan.calledOf(Nature.HARMLESS_EFFECT)
              + " leaves nothing that a repeat would change, or ends with the transaction");
    }
    return select.getForMode() != null || select.getForUpdate() != null
        ? idempotent(StatementKind.LOCKING_QUERY, "it reads, and locks until the transaction ends")
        : idempotent(StatementKind.QUERY, "it reads only");
  }

  /** A function of which nothing is known may stand anywhere: in a join, for example. */
  private static Classification whole(Statement statement, Classification found) {
    if (!found.isIdempotent()) {
      return found;
    }
    Scan scan = Scan.of(statement);
    return scan.calls(Nature.UNKNOWN) || scan.calls(Nature.EFFECT) || scan.assigns
        ? unknown(
            StatementKind.SIDE_EFFECT,
            "it asks " + Written.unknownOf(scan) + ", of which nothing is known")
        : found;
  }

  private static Classification returning(
      @Nullable ReturningClause clause, Classification statement) {
    if (clause == null || !statement.isIdempotent()) {
      return statement;
    }
    for (SelectItem<?> item : clause) {
      Scan scan = Scan.of(item.getExpression());
      if (scan.calls(Nature.UNKNOWN) || scan.calls(Nature.EFFECT) || scan.calls(Nature.SEQUENCE)) {
        return unknown(
            StatementKind.SIDE_EFFECT,
            "what it returns comes from "
                + (scan.calls(Nature.SEQUENCE)
                    ? scan.calledOf(Nature.SEQUENCE)
                    : Written.unknownOf(scan))
                + ", which may do something");
      }
    }
    return statement;
  }

  /** With what its WITH clause does first. */
  private Classification withSteps(@Nullable List<WithItem<?>> with, Classification last) {
    if (with == null) {
      return last;
    }
    List<Classification> steps = new ArrayList<>();
    steps.add(last);
    for (WithItem<?> item : with) {
      steps.add(of(Unwrapping.statementOf(item.getParenthesedStatement())));
    }
    List<Classification> changing =
        steps.stream().filter(step -> step.kind() != StatementKind.QUERY).toList();
    Classification worst = changing.stream().max(WORST).orElse(last);
    return worst.isIdempotent() && changing.size() > 1
        ? unknown(
            StatementKind.SEVERAL,
            "each of its steps is idempotent, but whether all of them are together is not known")
        : worst;
  }
}
