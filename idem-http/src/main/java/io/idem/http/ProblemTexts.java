package io.idem.http;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The titles of problems in other languages than English (RFC 9457, section 3.1.3). Details stay
 * English: they are for whoever writes the client. Thread-safe.
 */
@FunctionalInterface
public interface ProblemTexts {

  /**
   * The title in a language.
   *
   * @param type the problem's type
   * @param locale the language, and perhaps script and region; never English
   * @return the title, or null if there is none in exactly this language, so that a more general
   *     one is asked for
   */
  @Nullable String title(ProblemType type, Locale locale);

  /**
   * English only.
   *
   * @return the texts
   */
  static ProblemTexts english() {
    return (type, locale) -> null;
  }

  /**
   * The translations that come with Idem: Chinese ({@code zh}), French, German and Spanish.
   *
   * @return the texts
   */
  static ProblemTexts bundled() {
    return BundledTexts.INSTANCE;
  }
}
