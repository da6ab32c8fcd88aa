package io.idem.audit;

import static io.idem.audit.Classification.unknown;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import net.sf.jsqlparser.parser.CCJSqlParser;
import net.sf.jsqlparser.parser.CCJSqlParserUtil;
import net.sf.jsqlparser.statement.Statement;

/**
 * Reads SQL within a time, on a thread of its own that ends when there is nothing to read.
 * Thread-safe.
 */
final class Parser {

  private static final int DEEPEST = 64;

  private final ThreadPoolExecutor threads;
  private final Duration timeout;

  Parser(Duration timeout) {
    this.timeout = timeout;
    this.threads =
        new ThreadPoolExecutor(
            2,
            2,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(1_000),
            task -> {
              Thread thread = new Thread(null, task, "idem-audit-parser", 4L << 20);
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Reads a text and makes something of its statements.
   *
   * @param backslashes whether a backslash in a string escapes what follows
   */
  Classification read(
      String sql, boolean backslashes, Function<List<Statement>, Classification> rules) {
    CCJSqlParser parser;
    Future<Classification> answer;
    try {
      if (CCJSqlParserUtil.getNestingDepth(sql) > DEEPEST) {
        return unreadable("it is nested deeper than " + DEEPEST + " levels");
      }
      parser = new CCJSqlParser(sql);
      parser.withAllowComplexParsing(true).withBackslashEscapeCharacter(backslashes);
      answer = threads.submit(() -> rules.apply(parser.Statements()));
    } catch (Exception | Error e) { // what is read may be anything
      return unreadable("it cannot be read");
    }
    try {
      return answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      return unreadable("it cannot be read");
    } catch (TimeoutException e) {
      parser.interrupted = true;
      answer.cancel(false);
      return unreadable("reading it takes longer than " + timeout.toMillis() + " ms");
    } catch (InterruptedException e) {
      parser.interrupted = true;
      answer.cancel(false);
      Thread.currentThread().interrupt();
      return unreadable("reading it was interrupted");
    }
  }

  private static Classification unreadable(String why) {
    return unknown(StatementKind.UNREADABLE, why);
  }
}
