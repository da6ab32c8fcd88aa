package io.idem.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.SoftAssertions.assertSoftly;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class StatementClassifierTest {

  private static final long SEED = 20_261_126L;

  private final StatementClassifier classifier = StatementTable.classifier();

  @Test
  void everyStatementOfTheTableIsWhatItIsSaidToBe() {
    List<StatementTable.Row> rows = StatementTable.rows();

    assertThat(rows.stream().map(StatementTable.Row::statement).distinct())
        .hasSizeGreaterThanOrEqualTo(150);
    assertThat(rows.stream().map(StatementTable.Row::dialect).collect(Collectors.toSet()))
        .isEqualTo(Set.of("both", "pg", "mysql"));
    assertSoftly(
        softly ->
            rows.forEach(
                row -> {
                  Classification found = classifier.classify(row.statement());
                  softly.assertThat(found.verdict()).as("%s", row).isEqualTo(row.verdict());
                  softly.assertThat(found.kind()).as("%s", row).isEqualTo(row.kind());
                  softly.assertThat(found.reason()).as("%s", row).contains(row.reason());
                }));
  }

  @Test
  void aLiteralOfAValueIsNoPartOfAReasonBeyondItsExpression() {
    assertThat(
            classifier.classify("INSERT INTO history (what) VALUES ('4111111111111111')").reason())
        .doesNotContain("4111");
  }

  /** Cuts, joins and muddles statements: it must answer, whatever they have become. */
  @Test
  @Timeout(120)
  void nothingThrowsAndWhatIsBrokenIsNeverIdempotentByAccident() {
    List<String> statements =
        StatementTable.rows().stream().map(StatementTable.Row::statement).toList();
    Random random = new Random(SEED);
    StatementClassifier small =
        StatementClassifier.builder().uniqueKeys(StatementTable.keys()).remembered(16).build();
    for (int round = 0; round < 3_000; round++) {
      String sql = mutated(statements, random);
      Classification found = small.classify(sql);
      assertThat(found.reason()).as("seed %s, round %s: %s", SEED, round, sql).isNotBlank();
      if (found.kind() == StatementKind.UNREADABLE) {
        assertThat(found.verdict()).as(sql).isEqualTo(Verdict.UNKNOWN);
      }
    }
  }

  /** What adds to a statement never makes a relative update idempotent. */
  @Test
  void aRelativeUpdateStaysOneAmongOtherAssignments() {
    Random random = new Random(SEED);
    for (int round = 0; round < 200; round++) {
      StringBuilder sql = new StringBuilder("UPDATE account SET ");
      int others = random.nextInt(4);
      for (int i = 0; i < others; i++) {
        sql.append("c").append(i).append(random.nextBoolean() ? " = ?, " : " = 'x', ");
      }
      sql.append("balance = balance ").append("+-*/".charAt(random.nextInt(4))).append(" ?");
      if (random.nextBoolean()) {
        sql.append(" WHERE id = ? AND owner ").append(random.nextBoolean() ? "= ?" : "IS NULL");
      }
      assertThat(classifier.classify(sql.toString()).verdict())
          .as(sql.toString())
          .isEqualTo(Verdict.NOT_IDEMPOTENT);
    }
  }

  private static String mutated(List<String> statements, Random random) {
    StringBuilder sql = new StringBuilder(statements.get(random.nextInt(statements.size())));
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes && sql.length() > 1; i++) {
      int place = random.nextInt(sql.length());
      switch (random.nextInt(6)) {
        case 0 -> sql.setLength(place);
        case 1 -> sql.deleteCharAt(place);
        case 2 -> sql.insert(place, "'\"()?;,.\\\u0000\n\uD83D`$:{}".charAt(random.nextInt(17)));
        case 3 -> sql.append(' ').append(statements.get(random.nextInt(statements.size())));
        case 4 -> sql.insert(place, sql.substring(place / 2, place));
        default -> sql.setCharAt(place, (char) random.nextInt(0x300));
      }
    }
    return sql.toString();
  }

  @Test
  void whatIsTooLongIsNotRead() {
    StatementClassifier bounded = StatementClassifier.builder().maxLength(30).build();

    assertThat(bounded.classify("SELECT 1"))
        .extracting(Classification::isIdempotent)
        .isEqualTo(true);
    assertThat(bounded.classify("DELETE FROM account WHERE id = 123456"))
        .isEqualTo(
            new Classification(
                Verdict.UNKNOWN, StatementKind.UNREADABLE, "it is longer than 30 characters"));
  }

  @Test
  void longTextsAreReadToo() {
    String text = "x(y'' ".repeat(2_500);

    assertThat(classifier.classify("UPDATE account SET note = '" + text + "'").kind())
        .isEqualTo(StatementKind.ABSOLUTE_UPDATE);
    assertThat(classifier.classify("SELECT 1 /* " + "* x( ".repeat(3_000) + "*/").kind())
        .isEqualTo(StatementKind.QUERY);
  }

  /** Blanks that several parts of an expression could take must not be tried in every way. */
  @Test
  @Timeout(20)
  void blanksWithoutEndCostNoTime() {
    String blanks = " ".repeat(19_000);

    for (String sql :
        List.of(
            "SET TRANSACTION " + blanks + "(",
            "BEGIN ISOLATION" + blanks + "(",
            "SET x = " + blanks + "(",
            "{" + blanks + "call" + blanks + "(",
            "UPDATE t SET s = 'now " + "gmt ".repeat(4_000) + "x'",
            "UPDATE t SET s = '" + "gmt ".repeat(4_000) + "now x'")) {
      assertThat(classifier.classify(sql).reason()).isNotBlank();
    }
    assertThat(classifier.classify("COMMIT ; ").kind())
        .isEqualTo(StatementKind.TRANSACTION_CONTROL);
  }

  /** A path of many parts looks like the name of a time zone for long. */
  @Test
  void aTextWithManyPartsIsReadToo() {
    for (String path :
        List.of("/a".repeat(9_000), "a/b/".repeat(4_500), "now a/" + "b/".repeat(9_000))) {
      assertThat(
              classifier.classify("UPDATE account SET note = '" + path + "' WHERE id = 1").kind())
          .isNotEqualTo(StatementKind.UNREADABLE);
    }
  }

  @Test
  void whatIsNestedDeepIsNotRead() {
    String deep = "SELECT " + "(".repeat(5_000) + "1" + ")".repeat(5_000);

    assertThat(classifier.classify(deep).verdict()).isEqualTo(Verdict.UNKNOWN);
  }

  @Test
  void readingEndsInTimeAndLeavesNoThread() throws Exception {
    StatementClassifier hasty = StatementClassifier.builder().timeout(Duration.ofNanos(1)).build();
    List<Classification> found =
        IntStream.range(0, 50)
            .mapToObj(i -> hasty.classify("SELECT " + "a + ".repeat(2_000) + i))
            .toList();

    // One that is read before anybody looks at the clock is in time.
    assertThat(found)
        .anySatisfy(
            each -> {
              assertThat(each.verdict()).isEqualTo(Verdict.UNKNOWN);
              assertThat(each.reason()).contains("longer than");
            });
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (parsers() > 0 && System.nanoTime() < deadline) {
      LockSupport.parkNanos(2_000_000);
    }
    assertThat(parsers()).isZero();
  }

  private static long parsers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("idem-audit-parser"))
        .count();
  }

  @Test
  void settingsThatCannotHoldAreRefused() {
    StatementClassifier.Builder builder = StatementClassifier.builder();

    assertThatThrownBy(() -> builder.maxLength(0)).hasMessageContaining("at least 1, found 0");
    assertThatThrownBy(() -> builder.remembered(0)).hasMessageContaining("at least 1, found 0");
    assertThatThrownBy(() -> builder.timeout(Duration.ZERO)).hasMessageContaining("more than zero");
    assertThatThrownBy(UniqueKey::of).hasMessageContaining("at least one column");
  }
}
