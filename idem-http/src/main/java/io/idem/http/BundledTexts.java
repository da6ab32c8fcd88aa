package io.idem.http;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/** The translations beside this class, read once. */
final class BundledTexts implements ProblemTexts {

  static final List<String> LANGUAGES = List.of("de", "es", "fr", "zh");

  static final ProblemTexts INSTANCE = new BundledTexts();

  private final Map<Locale, ResourceBundle> bundles;

  private BundledTexts() {
    Map<Locale, ResourceBundle> read = new HashMap<>();
    for (String language : LANGUAGES) {
      Locale locale = Locale.forLanguageTag(language);
      read.put(
          locale,
          ResourceBundle.getBundle(
              "io.idem.http.problems",
              locale,
              BundledTexts.class.getClassLoader(),
              ResourceBundle.Control.getNoFallbackControl(
                  ResourceBundle.Control.FORMAT_PROPERTIES)));
    }
    this.bundles = Map.copyOf(read);
  }

  @Override
  public @Nullable String title(ProblemType type, Locale locale) {
    ResourceBundle bundle = bundles.get(locale);
    return bundle == null || !bundle.containsKey(type.slug())
        ? null
        : bundle.getString(type.slug());
  }
}
