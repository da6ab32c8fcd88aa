package io.idem.audit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The statements of {@code statements.txt}, and the keys of {@code unique-keys.txt}. */
final class StatementTable {

  private static final Pattern KEY = Pattern.compile("(primary)?\\(([^)]+)\\)");

  private StatementTable() {}

  /** One row; the dialect is a note for the reader. */
  record Row(String dialect, Verdict verdict, StatementKind kind, String reason, String statement) {

    @Override
    public String toString() {
      return dialect + ": " + statement;
    }
  }

  static List<Row> rows() {
    return lines("statements.txt")
        .map(line -> line.split(" \\| ", 5))
        .map(
            cells ->
                new Row(
                    cells[0],
                    Verdict.valueOf(cells[1]),
                    StatementKind.valueOf(cells[2]),
                    cells[3],
                    cells[4]))
        .toList();
  }

  static UniqueKeys keys() {
    Map<String, List<UniqueKey>> keys = new TreeMap<>();
    lines("unique-keys.txt")
        .map(line -> line.split(": ", 2))
        .forEach(
            cells -> {
              List<UniqueKey> found = new ArrayList<>();
              Matcher matcher = KEY.matcher(cells[1]);
              while (matcher.find()) {
                found.add(
                    UniqueKey.of(List.of(matcher.group(2).split(", ")), matcher.group(1) != null));
              }
              keys.put(cells[0], found);
            });
    return UniqueKeys.of(keys);
  }

  static StatementClassifier classifier() {
    return StatementClassifier.builder()
        .uniqueKeys(keys())
        .harmlessColumns(List.of("updated_at"))
        .build();
  }

  private static Stream<String> lines(String resource) {
    try (InputStream in =
        Objects.requireNonNull(StatementTable.class.getResourceAsStream(resource), resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
