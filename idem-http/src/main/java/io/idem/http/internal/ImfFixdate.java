package io.idem.http.internal;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.ResolverStyle;
import java.util.Optional;
import java.util.regex.Pattern;

/** The form of an HTTP date that is sent today: IMF-fixdate (RFC 9110, section 5.6.7). */
public final class ImfFixdate {

  /** The JDK's own reading is laxer: single digits, other zones, no day of the week. */
  private static final Pattern FORM =
      Pattern.compile("[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT");

  private static final DateTimeFormatter READING =
      DateTimeFormatter.RFC_1123_DATE_TIME.withResolverStyle(ResolverStyle.STRICT);

  private ImfFixdate() {}

  /** The time a text stands for, or nothing if it is no such date. */
  public static Optional<Instant> parse(String text) {
    if (!FORM.matcher(text).matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(READING.parse(text, Instant::from));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
