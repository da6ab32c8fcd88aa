package io.idem.http;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Chooses the language of a problem (RFC 9110, section 12.5.4; RFC 4647, section 3.4). */
final class Languages {

  /** More than any browser sends; what is longer is not parsed. */
  private static final int MAX_LENGTH = 500;

  private static final int MAX_RANGES = 10;

  /**
   * Texts may remember every locale that they were ever asked for, and a client can make them up.
   */
  private static final Set<String> KNOWN =
      Arrays.stream(Locale.getAvailableLocales())
          .map(Locale::toLanguageTag)
          .collect(Collectors.toUnmodifiableSet());

  private Languages() {}

  /** A title and its language. */
  record Title(String text, Locale locale) {}

  /**
   * The title in the language that the client likes best of those there are.
   *
   * @return null for English
   */
  static @Nullable Title choose(List<String> acceptLanguage, ProblemTexts texts, ProblemType type) {
    String value = String.join(",", acceptLanguage);
    if (value.isBlank() || value.length() > MAX_LENGTH) {
      return null;
    }
    List<Locale.LanguageRange> ranges;
    try {
      ranges = Locale.LanguageRange.parse(value); // best first
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      return null; // the JDK splits "-" into nothing and looks at the first part of it
    }
    for (Locale.LanguageRange range : ranges.subList(0, Math.min(MAX_RANGES, ranges.size()))) {
      if (range.getWeight() == 0 || range.getRange().startsWith("*")) {
        continue;
      }
      // From the particular to the general: zh-hans-cn, zh-hans, zh.
      for (String tag = range.getRange(); ; tag = tag.substring(0, tag.lastIndexOf('-'))) {
        Locale locale = Locale.forLanguageTag(tag);
        if (locale.getLanguage().equals("en")) {
          return null;
        }
        String title = KNOWN.contains(locale.toLanguageTag()) ? texts.title(type, locale) : null;
        if (title != null) {
          return new Title(title, locale);
        }
        if (tag.lastIndexOf('-') < 0) {
          break;
        }
      }
    }
    return null;
  }
}
