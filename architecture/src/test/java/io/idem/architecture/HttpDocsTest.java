package io.idem.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code docs/http.md} has every point of the contract, with the tests that there are. */
class HttpDocsTest {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static HttpDocs docs;
  private static String page;

  @BeforeAll
  static void read() throws Exception {
    docs = HttpDocs.of(ROOT);
    page = HttpDocs.text(ROOT.resolve("docs/http.md"));
  }

  @Test
  void everyPointHasItsRuleItsTestsAndItsSource() {
    assertThat(docs.complaints(page)).isEmpty();
  }

  @Test
  void aPointWithoutARowIsMissed() {
    assertThat(docs.complaints(changed(14, row -> "")))
        .containsExactly("Point 14 has no row of rule, tests and source");
  }

  @Test
  void aPointWithTwoRowsIsSeen() {
    assertThat(docs.complaints(changed(14, row -> row + "\n" + row)))
        .containsExactly("Point 14 has two rows");
  }

  @Test
  void aPointThatIsNoneIsSeen() {
    assertThat(docs.complaints(changed(37, row -> row + "\n" + row.replace("| 37 |", "| 38 |"))))
        .containsExactly("There is no point 38");
  }

  @Test
  void aTestThatIsNotThereIsSeen() {
    assertThat(docs.complaints(changed(14, row -> row.replace("AnswersTest", "AnsweringTest"))))
        .containsExactly("Point 14 names 'AnsweringTest', which is no class of the tests");
  }

  @Test
  void aPointWithoutACaseInTheContractIsSeen() {
    String complaint = "Point 14 names no class of the contract that has a case of it";

    assertThat(docs.complaints(changed(14, row -> row.replace("InFlightCases, ", ""))))
        .containsExactly(complaint);
    assertThat(docs.complaints(changed(14, row -> row.replace("InFlightCases", "IntakeCases"))))
        .containsExactly(complaint);
  }

  @ParameterizedTest
  @ValueSource(strings = {"LeasedHttpContract", "TransactionalHttpContract"})
  void aPointThatOneModeIsNotAskedForIsSeen(String mode) {
    assertThat(docs.withoutCasesOf(mode).complaints(page))
        .containsExactly(
            "Point 16 is not asked of every adapter",
            "Point 17 is not asked of every adapter",
            "Point 18 is not asked of every adapter");
  }

  @Test
  void aPointWithoutASourceIsMissed() {
    UnaryOperator<String> sourceless = row -> row.replaceFirst("\\|[^|]*\\|$", "|  |");

    assertThat(docs.complaints(changed(14, sourceless))).containsExactly("Point 14 has no source");
  }

  @Test
  void aDecisionThatIsNotThereIsSeen() {
    assertThat(docs.complaints(changed(9, row -> row.replace("decisions/0021", "decisions/9921"))))
        .singleElement()
        .asString()
        .startsWith("Point 9 links to decisions/9921");
  }

  /** The page with another row of a point. */
  private static String changed(int point, UnaryOperator<String> change) {
    String start = "| " + point + " |";
    String row = page.lines().filter(line -> line.startsWith(start)).findFirst().orElseThrow();
    String other = change.apply(row);
    assertThat(other).as("the change of point %s", point).isNotEqualTo(row);
    return page.replace(row, other);
  }
}
