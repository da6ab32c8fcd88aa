package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LanguagesTest {

  private final List<String> asked = new ArrayList<>();
  private final ProblemTexts texts =
      (type, locale) -> {
        asked.add(locale.toLanguageTag());
        return locale.equals(Locale.FRENCH) ? "titre" : null;
      };

  @Test
  void p33_theClientsOrderDecides() {
    assertThat(choose("fr;q=0.5, ja")).isEqualTo(new Languages.Title("titre", Locale.FRENCH));
    assertThat(asked).containsExactly("ja", "fr");
    assertThat(choose("fr-CA")).isEqualTo(new Languages.Title("titre", Locale.FRENCH));
    assertThat(choose("en, fr")).isNull();
  }

  @Test
  void p33_languagesThatAClientMakesUpAreNotAskedFor() {
    assertThat(choose("xq-abcdefg, qqq, fr")).isNotNull();
    assertThat(asked).containsExactly("fr");
  }

  @Test
  void p33_aLongListIsNotWalkedThrough() {
    Set<String> distinct = Set.of(Locale.getISOLanguages());
    String many =
        distinct.stream()
            .filter(language -> !language.equals("fr") && !language.equals("en"))
            .sorted()
            .limit(40)
            .collect(Collectors.joining(","));
    assertThat(choose(many + ",fr")).isNull();
    assertThat(asked).hasSizeLessThanOrEqualTo(10);
  }

  @Test
  void p33_whatIsNoListIsEnglish() {
    assertThat(choose("")).isNull();
    assertThat(choose("!!")).isNull();
    assertThat(choose("-")).isNull();
    assertThat(choose("fr, --;q=0.5")).isNull();
    assertThat(choose(IntStream.range(0, 300).mapToObj(i -> "fr").collect(Collectors.joining(","))))
        .isNull();
    assertThat(asked).isEmpty();
  }

  private Languages.Title choose(String acceptLanguage) {
    return Languages.choose(List.of(acceptLanguage), texts, ProblemType.KEY_MISSING);
  }
}
