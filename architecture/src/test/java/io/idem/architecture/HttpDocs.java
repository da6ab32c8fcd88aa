package io.idem.architecture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The table of the points in {@code docs/http.md}, held against the tests that there are. */
final class HttpDocs {

  private static final int POINTS = 37;
  private static final String KIT = "idem-testkit/src/main/java/io/idem/testkit/http";

  private static final Pattern ROW =
      Pattern.compile(
          "\\| (?<point>\\d+) \\| (?<rule>[^|]+) \\| (?<tests>[^|]*) \\| (?<source>[^|]*) \\|");

  private static final Pattern CASE = Pattern.compile("void (p\\d\\d_\\w+)\\(");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)(#[^)]*)?\\)");

  private final Path root;
  private final Map<String, String> kit;
  private final Map<String, String> tests;

  /** Reads the tests of all modules below a directory. */
  HttpDocs(Path root) throws IOException {
    this.root = root;
    this.kit = sources(root.resolve(KIT));
    this.tests = new HashMap<>(kit);
    try (Stream<Path> pages = Files.walk(root)) {
      List<Path> roots = pages.filter(path -> path.endsWith("src/test/java")).toList();
      for (Path testRoot : roots) {
        tests.putAll(sources(testRoot));
      }
    }
  }

  private static Map<String, String> sources(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .collect(
              Collectors.toMap(
                  file -> file.getFileName().toString().replace(".java", ""),
                  HttpDocs::text,
                  (one, other) -> one + other));
    }
  }

  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is wrong with a text of the page; empty if nothing is. */
  List<String> complaints(String page) {
    List<String> complaints = new ArrayList<>();
    Map<Integer, Matcher> rows = new HashMap<>();
    page.lines()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .forEach(
            row -> {
              if (rows.put(Integer.valueOf(row.group("point")), row) != null) {
                complaints.add("Point " + row.group("point") + " has two rows");
              }
            });
    for (int point = 1; point <= POINTS; point++) {
      Matcher row = rows.remove(point);
      if (row == null) {
        complaints.add("Point " + point + " has no row of rule, tests and source");
      } else {
        check(point, row, complaints);
      }
    }
    rows.keySet().forEach(other -> complaints.add("There is no point " + other));
    return complaints;
  }

  private void check(int point, Matcher row, List<String> complaints) {
    boolean inTheKit = false;
    for (String name : row.group("tests").split(",", -1)) {
      String test = name.trim();
      String source = tests.get(test);
      if (source == null) {
        complaints.add("Point " + point + " names '" + test + "', which is no class of the tests");
      } else {
        inTheKit |= kit.containsKey(test) && hasCase(point, source);
      }
    }
    if (!inTheKit) {
      complaints.add("Point " + point + " names no class of the contract that has a case of it");
    }
    if (row.group("source").isBlank()) {
      complaints.add("Point " + point + " has no source");
    }
    LINK.matcher(row.group("source"))
        .results()
        .map(link -> link.group(1))
        .filter(place -> !Files.exists(root.resolve("docs").resolve(place)))
        .forEach(place -> complaints.add("Point " + point + " links to " + place + ": not there"));
  }

  private static boolean hasCase(int point, @Nullable String source) {
    String start = "p%02d_".formatted(point);
    return source != null
        && CASE.matcher(source).results().anyMatch(found -> found.group(1).startsWith(start));
  }
}
