package io.idem.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** The translations beside this class, read once. */
final class BundledTexts implements ProblemTexts {

  static final List<String> LANGUAGES = List.of("de", "es", "fr", "zh");

  static final ProblemTexts INSTANCE = new BundledTexts();

  private final Map<Locale, Properties> titles;

  private BundledTexts() {
    Map<Locale, Properties> read = new HashMap<>();
    for (String language : LANGUAGES) {
      read.put(Locale.forLanguageTag(language), read("problems_" + language + ".properties"));
    }
    this.titles = Map.copyOf(read);
  }

  private static Properties read(String name) {
    Properties properties = new Properties();
    try (InputStream in = Objects.requireNonNull(BundledTexts.class.getResourceAsStream(name));
        Reader reader = new InputStreamReader(in, StandardCharsets.UTF_8)) {
      properties.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException("The titles of problems cannot be read: " + name, e);
    }
    return properties;
  }

  @Override
  public @Nullable String title(ProblemType type, Locale locale) {
    Properties ofLanguage = titles.get(locale);
    return ofLanguage == null ? null : ofLanguage.getProperty(type.slug());
  }
}
