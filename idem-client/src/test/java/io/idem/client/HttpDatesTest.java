package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The forms of RFC 9110, sections 5.6.7 and 10.2.3. */
class HttpDatesTest {

  private static final Instant NOW = Instant.parse("1994-11-06T08:49:07Z");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0                              | PT0S",
        "120                            | PT2M",
        "' 5 '                          | PT5S",
        "Sun, 06 Nov 1994 08:49:37 GMT  | PT30S",
        "Sunday, 06-Nov-94 08:49:37 GMT | PT30S",
        "Sun Nov  6 08:49:37 1994       | PT30S",
        "Sun, 06 Nov 1994 08:40:00 GMT  | PT0S",
        "99999999999999999999           | PT8760H",
        "Sun, 06 Nov 2033 08:49:37 GMT  | PT8760H"
      })
  void whatASenderMayWriteIsRead(String retryAfter, Duration wait) {
    assertThat(HttpDates.wait(retryAfter, null, NOW)).contains(wait);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "-1", "1.5", "1 2", "Sun, 06 Nov", "٣"})
  void anythingElseSaysNothing(String retryAfter) {
    assertThat(HttpDates.wait(retryAfter, null, NOW)).isEmpty();
  }

  @Test
  void aDateIsHeldAgainstTheClockThatItIsOf() {
    assertThat(
            HttpDates.wait("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:35 GMT", NOW))
        .contains(Duration.ofSeconds(2));
    assertThat(HttpDates.wait("Sun, 06 Nov 1994 08:49:37 GMT", "yesterday", NOW))
        .contains(Duration.ofSeconds(30));
  }

  @Test
  void aTimeIsWrittenAsAnImfFixdate() {
    assertThat(HttpDates.format(NOW)).isEqualTo("Sun, 06 Nov 1994 08:49:07 GMT");
  }
}
