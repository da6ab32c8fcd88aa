package io.idem.client;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Times in headers (RFC 9110, sections 5.6.7 and 10.2.3). */
final class HttpDates {

  private static final DateTimeFormatter IMF_FIXDATE = form("EEE, dd MMM yyyy HH:mm:ss 'GMT'");

  private static final DateTimeFormatter ASCTIME = form("EEE MMM ppd HH:mm:ss yyyy");

  /** Far longer than anybody waits, and short enough to be added to. */
  private static final Duration MOST = Duration.ofDays(365);

  private HttpDates() {}

  static String format(Instant time) {
    return IMF_FIXDATE.format(time);
  }

  /**
   * How long a response asks to wait.
   *
   * @param retryAfter the value of Retry-After: seconds, or any of the three forms of a date
   * @param date the value of Date, the clock that a date in Retry-After is of
   * @param now this clock's time, where there is no other
   * @return nothing if there is no time that can be read; zero if it is past
   */
  static Optional<Duration> wait(@Nullable String retryAfter, @Nullable String date, Instant now) {
    String text = retryAfter == null ? "" : retryAfter.strip();
    if (text.matches("[0-9]+")) {
      return Optional.of(
          text.length() > 9 ? MOST : bounded(Duration.ofSeconds(Long.parseLong(text))));
    }
    Instant base = date == null ? now : parse(date.strip(), now).orElse(now);
    return parse(text, now).map(until -> notNegative(Duration.between(base, until)));
  }

  private static Duration notNegative(Duration wait) {
    return wait.isNegative() ? Duration.ZERO : bounded(wait);
  }

  /** At most a year. */
  static Duration bounded(Duration duration) {
    return duration.compareTo(MOST) > 0 ? MOST : duration;
  }

  private static Optional<Instant> parse(String text, Instant now) {
    for (DateTimeFormatter form : List.of(IMF_FIXDATE, rfc850(now), ASCTIME)) {
      try {
        return Optional.of(form.parse(text, Instant::from));
      } catch (DateTimeException e) {
        // Perhaps it has one of the other forms.
      }
    }
    return Optional.empty();
  }

  /** Two digits of a year are of the past if they would be more than 50 years ahead. */
  private static DateTimeFormatter rfc850(Instant now) {
    LocalDate first = LocalDate.ofInstant(now, ZoneOffset.UTC).minusYears(49);
    return new DateTimeFormatterBuilder()
        .appendPattern("EEEE, dd-MMM-")
        .appendValueReduced(ChronoField.YEAR, 2, 2, first)
        .appendPattern(" HH:mm:ss 'GMT'")
        .toFormatter(Locale.ENGLISH)
        .withZone(ZoneOffset.UTC);
  }

  private static DateTimeFormatter form(String pattern) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).withZone(ZoneOffset.UTC);
  }
}
