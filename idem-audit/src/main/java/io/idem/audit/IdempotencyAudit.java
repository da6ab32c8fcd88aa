package io.idem.audit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Fails a build when something unprotected appears that nobody has accepted. What is accepted
 * stands in a file: one line each, in order, with a reason after two blanks and a number sign.
 *
 * <pre>{@code
 * endpoint POST /login -> shop.LoginController.login(Login)  # a second login does no harm
 * }</pre>
 *
 * <p>A line for what is no longer there fails too, so that the file stays true. With the system
 * property {@value #WRITE} set to {@code true} the file is written instead, and reasons are kept.
 * It throws {@link AssertionError} and needs no test framework. Thread-safe, but for two that write
 * one file.
 */
public final class IdempotencyAudit {

  /** The system property that writes baselines: {@code -Didem.audit.write=true}. */
  public static final String WRITE = "idem.audit.write";

  private static final String REASON = "  # ";

  private static final String HEADER =
      "# What the idempotency audit finds unprotected, and is accepted. Written with -D"
          + WRITE
          + "=true;"
          + System.lineSeparator()
          + "# give each line a reason, after two blanks: <line>  # why a repeat does no harm"
          + System.lineSeparator();

  private IdempotencyAudit() {}

  /**
   * Checks the entry points of an application.
   *
   * @param entryPoints what the application exposes
   * @param baseline what is accepted; need not exist if that is nothing
   * @throws AssertionError if an unprotected one is not accepted, or an accepted one is gone
   * @throws UncheckedIOException if the file cannot be read or written
   */
  public static void assertNothingNew(EntryPoints entryPoints, Path baseline) {
    assertNothingNew(entryPoints, List.of(), baseline);
  }

  /**
   * Checks the statements that ran outside any operation.
   *
   * @param statements what a {@link StatementAudit} found, after the tests that send them
   * @param baseline what is accepted; need not exist if that is nothing
   * @throws AssertionError if one is not accepted, or an accepted one did not run
   * @throws UncheckedIOException if the file cannot be read or written
   */
  public static void assertNothingNew(Collection<StatementFinding> statements, Path baseline) {
    assertNothingNew(new EntryPoints(List.of()), statements, baseline);
  }

  /**
   * Checks entry points and statements against one file.
   *
   * @param entryPoints what the application exposes
   * @param statements what a {@link StatementAudit} found
   * @param baseline what is accepted; need not exist if that is nothing
   * @throws AssertionError if something is not accepted, or something accepted is gone
   * @throws UncheckedIOException if the file cannot be read or written
   */
  public static void assertNothingNew(
      EntryPoints entryPoints, Collection<StatementFinding> statements, Path baseline) {
    Map<String, String> found = new TreeMap<>();
    entryPoints.unprotected().forEach(each -> found.put(each.line(), each.how()));
    statements.forEach(
        each -> found.put(lineOf(each), each.callSite() + ": " + each.classification().reason()));
    try {
      Map<String, String> accepted = read(baseline);
      if (Boolean.getBoolean(WRITE)) {
        write(baseline, found.keySet(), accepted);
        return;
      }
      check(found, accepted, baseline);
    } catch (IOException e) {
      throw new UncheckedIOException("The baseline " + baseline + " failed", e);
    }
  }

  /**
   * Checks entry points, and all statements that an audit has seen.
   *
   * @param entryPoints what the application exposes
   * @param statements the audit, after the tests that send statements
   * @param baseline what is accepted; need not exist if that is nothing
   * @throws AssertionError if something is not accepted, something accepted is gone, or the audit
   *     has {@linkplain StatementAudit#dropped dropped} findings, so that neither can be told
   * @throws UncheckedIOException if the file cannot be read or written
   */
  public static void assertNothingNew(
      EntryPoints entryPoints, StatementAudit statements, Path baseline) {
    if (statements.dropped() > 0) {
      throw new AssertionError(
          "The audit keeps no more findings, and has dropped "
              + statements.dropped()
              + " executions: raise StatementAudit.Builder.maxFindings");
    }
    assertNothingNew(entryPoints, statements.findings(), baseline);
  }

  /** Without the line number, which moves. */
  private static String lineOf(StatementFinding finding) {
    return ("statement "
            + finding.classification().kind()
            + " "
            + finding.callSite().method()
            + " -> "
            + finding.sql().strip())
        .replaceAll("\\s+", " ");
  }

  private static void check(
      Map<String, String> found, Map<String, String> accepted, Path baseline) {
    Set<String> fresh = new TreeSet<>(found.keySet());
    fresh.removeAll(accepted.keySet());
    Set<String> stale = new TreeSet<>(accepted.keySet());
    stale.removeAll(found.keySet());
    if (fresh.isEmpty() && stale.isEmpty()) {
      return;
    }
    StringBuilder message = new StringBuilder();
    if (!fresh.isEmpty()) {
      message
          .append("Unprotected, and not accepted in ")
          .append(baseline)
          .append(". Protect them with an idempotent operation, or accept each with a reason:\n");
      fresh.forEach(
          line ->
              message
                  .append("  ")
                  .append(line)
                  .append("\n      ")
                  .append(found.get(line))
                  .append('\n'));
    }
    if (!stale.isEmpty()) {
      message
          .append("Accepted in ")
          .append(baseline)
          .append(", but protected now, gone or not run. Remove:\n");
      stale.forEach(line -> message.append("  ").append(line).append('\n'));
    }
    throw new AssertionError(
        message
            .append("To write the file anew, and keep its reasons: -D")
            .append(WRITE)
            .append("=true")
            .toString());
  }

  /** What is accepted, with the reasons. */
  private static Map<String, String> read(Path baseline) throws IOException {
    Map<String, String> accepted = new TreeMap<>();
    if (Files.exists(baseline)) {
      for (String line : Files.readAllLines(baseline)) {
        if (!line.isBlank() && !line.startsWith("#")) {
          int reason = line.indexOf(REASON);
          accepted.put(
              (reason < 0 ? line : line.substring(0, reason)).strip(),
              reason < 0 ? "" : line.substring(reason + REASON.length()).strip());
        }
      }
    }
    return accepted;
  }

  private static void write(Path baseline, Set<String> found, Map<String, String> accepted)
      throws IOException {
    StringBuilder text = new StringBuilder(HEADER);
    for (String line : found) {
      String reason = accepted.getOrDefault(line, "");
      text.append(line)
          .append(reason.isEmpty() ? "" : REASON + reason)
          .append(System.lineSeparator());
    }
    Path directory = baseline.toAbsolutePath().getParent();
    if (directory != null) {
      Files.createDirectories(directory);
    }
    Files.writeString(baseline, text);
  }
}
