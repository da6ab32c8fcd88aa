package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How names become part of statements. */
class IdentifiersTest {

  private static final Identifiers UPPER = new Identifiers("\"", Identifiers.Case.UPPER);
  private static final Identifiers LOWER = new Identifiers("\"", Identifiers.Case.LOWER);
  private static final Identifiers WRITTEN = new Identifiers("`", Identifiers.Case.AS_WRITTEN);

  @Test
  void aPlainNameMeansWhatItMeansWithoutQuotes() {
    assertThat(UPPER.table("shop.Orders")).isEqualTo("\"SHOP\".\"ORDERS\"");
    assertThat(LOWER.column("paidAt")).isEqualTo("\"paidat\"");
    assertThat(WRITTEN.column("paidAt")).isEqualTo("`paidAt`");
  }

  @Test
  void aQuotedNameMeansItself() {
    assertThat(UPPER.table("shop.\"Orders.old\"")).isEqualTo("\"SHOP\".\"Orders.old\"");
    assertThat(WRITTEN.table("\"Größe\"")).isEqualTo("`Größe`");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "a b",
        "a;b",
        "a--",
        "1a",
        "a\"",
        "\"a",
        "\"\"",
        "\"a\"b\"",
        "\"a`b\"",
        "\"a\\b\"",
        "\"a?b\"",
        "\"a\nb\"",
        "a.b.c",
        "a.",
        ".a",
        "a..b",
        "größe",
        "a1234567890123456789012345678901234567890123456789012345678901234"
      })
  void whatIsNoNameIsRefused(String name) {
    assertThatIllegalArgumentException().isThrownBy(() -> LOWER.table(name));
    assertThatIllegalArgumentException().isThrownBy(() -> LOWER.column(name));
  }

  @Test
  void aColumnHasNoSchema() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LOWER.column("orders.id"))
        .withMessageContaining("column");
  }
}
