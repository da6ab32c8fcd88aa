package io.idem.benchmarks.load;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A section of docs/performance.md that a command writes.
 *
 * @param name what is measured: {@code ./bench NAME} prints it
 * @param title the section's
 * @param conditions what else a reader has to know, a sentence
 */
public record Report(String name, String title, String conditions) {

  /**
   * The section.
   *
   * @param results its rows
   * @param arguments what the command was given
   * @return Markdown between two marks
   */
  public String of(List<Result> results, String arguments) {
    return of(results, arguments, "");
  }

  /**
   * The section, with more than its table.
   *
   * @param results its rows
   * @param arguments what the command was given
   * @param more Markdown that follows the table, empty or with an empty line at its end
   * @return Markdown between two marks
   */
  public String of(List<Result> results, String arguments, String more) {
    // Where it is written says nothing of what was measured.
    String measured = arguments.replaceFirst(" ?\\bwrite=\\S+", "").strip();
    StringBuilder text = new StringBuilder(begin()).append("\n\n## ").append(title).append("\n\n");
    text.append("Measured on ")
        .append(LocalDate.now(ZoneOffset.UTC))
        .append(" with `./bench ")
        .append(name)
        .append(measured.isEmpty() ? "" : " " + measured)
        .append("` on ")
        .append(Runtime.getRuntime().availableProcessors())
        .append(" cores, Java ")
        .append(Runtime.version().feature())
        .append(", servers and callers on one machine. ")
        .append(conditions)
        .append("\n\n");
    text.append(
        "A ratio is Idem's throughput divided by the throughput of the same thing written by hand"
            + " (median of the rounds, with the lowest and the highest). Higher is better.\n\n");
    text.append(
        "| Server | What | Threads | By hand, keys/s | Idem, keys/s | Ratio | Promise | µs a key |\n");
    text.append("|---|---|---:|---:|---:|---|---|---:|\n");
    results.forEach(result -> text.append(result.row()).append('\n'));
    text.append('\n').append(more).append("By hand means:\n\n");
    Set<String> byHand = new LinkedHashSet<>();
    results.forEach(
        result ->
            byHand.add("- " + result.comparison().name() + ": " + result.comparison().byHand()));
    byHand.forEach(line -> text.append(line).append('\n'));
    return text.append('\n').append(end()).append('\n').toString();
  }

  /**
   * Puts the section in place of the last one, or at the end.
   *
   * @param file the document
   * @param section what {@link #of} made
   * @throws IOException if it cannot be read or written
   */
  public void write(Path file, String section) throws IOException {
    String before = Files.exists(file) ? Files.readString(file, StandardCharsets.UTF_8) : "";
    int begin = before.indexOf(begin());
    int end = before.indexOf(end());
    String after =
        begin >= 0 && end > begin
            ? before.substring(0, begin)
                + section
                + before.substring(end + end().length()).replaceFirst("^\\R", "")
            : before + (before.isEmpty() ? "# Performance\n\n" : "\n") + section;
    Files.writeString(file, after, StandardCharsets.UTF_8);
  }

  private String begin() {
    return "<!-- " + name + ": written by ./bench -->";
  }

  private String end() {
    return "<!-- end of " + name + " -->";
  }
}
