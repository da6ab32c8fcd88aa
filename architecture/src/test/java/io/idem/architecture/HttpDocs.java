package io.idem.architecture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The table of the points in {@code docs/http.md}, held against the tests that there are. */
final class HttpDocs {

  private static final int POINTS = 37;
  private static final String KIT = "idem-testkit/src/main/java/io/idem/testkit/http";

  /** Every adapter extends one of them; the other classes of the contract are behind both. */
  private static final Set<String> MODES =
      Set.of("LeasedHttpContract", "TransactionalHttpContract");

  private static final Pattern ROW =
      Pattern.compile(
          "\\| (?<point>\\d+) \\| (?<rule>[^|]+) \\| (?<tests>[^|]*) \\| (?<source>[^|]*) \\|");

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)(#[^)]*)?\\)");

  private final Path root;
  private final Map<String, String> kit;
  private final Map<String, String> tests;

  private HttpDocs(Path root, Map<String, String> kit, Map<String, String> tests) {
    this.root = root;
    this.kit = kit;
    this.tests = tests;
  }

  /** Reads the tests of all modules of a repository. */
  static HttpDocs of(Path root) throws IOException {
    Map<String, String> kit = sources(root.resolve(KIT));
    Map<String, String> tests = new HashMap<>(kit);
    for (Path parent : List.of(root, root.resolve("examples"))) {
      try (Stream<Path> modules = Files.list(parent)) {
        for (Path module : modules.toList()) {
          tests.putAll(sources(module.resolve("src/test/java")));
        }
      }
    }
    return new HttpDocs(root, kit, tests);
  }

  /** The same, were a class of the contract empty. */
  HttpDocs withoutCasesOf(String name) {
    Map<String, String> others = new HashMap<>(kit);
    others.put(name, "");
    return new HttpDocs(root, others, tests);
  }

  private static Map<String, String> sources(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return Map.of();
    }
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
    List<String> names = Stream.of(row.group("tests").split(",", -1)).map(String::trim).toList();
    names.stream()
        .filter(name -> !tests.containsKey(name))
        .map(name -> "Point " + point + " names '" + name + "', which is no class of the tests")
        .forEach(complaints::add);
    if (names.stream().noneMatch(name -> hasCase(name, point))) {
      complaints.add("Point " + point + " names no class of the contract that has a case of it");
    }
    if (!isAskedOfEveryAdapter(point)) {
      complaints.add("Point " + point + " is not asked of every adapter");
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

  /** By a case that all have, or by one for each mode. */
  private boolean isAskedOfEveryAdapter(int point) {
    return kit.keySet().stream().anyMatch(name -> !MODES.contains(name) && hasCase(name, point))
        || MODES.stream().allMatch(name -> hasCase(name, point));
  }

  private boolean hasCase(String kitClass, int point) {
    return kit.getOrDefault(kitClass, "").contains("void p%02d_".formatted(point));
  }
}
