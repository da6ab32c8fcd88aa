package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.internal.ContentCodings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which content codings a repeat accepts, and what it is given where it does not. */
class ContentCodingsTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gzip | gzip | true",
        "GZIP;q=0.5 | gzip | true",
        "x-gzip | gzip | true",
        "gzip | x-gzip | true",
        "br, gzip;q=0 | gzip | false",
        "gzip; q=0.000 | gzip | false",
        "gzip;q=0.001 | gzip | true",
        "br | gzip | false",
        "* | gzip | true",
        "*;q=0 | gzip | false",
        "*;q=0, gzip | gzip | true",
        "gzip;q=0, * | gzip | false",
        "identity | br | false",
        "'' | gzip | false"
      })
  void p28_aCodingIsAcceptedOrNot(String field, String coding, boolean accepted) {
    assertThat(ContentCodings.accepts(List.of(field), coding)).isEqualTo(accepted);
    assertThat(ContentCodings.accepts(List.of("zstd", field), coding)).isEqualTo(accepted);
  }

  @Test
  void p28_whoeverSaysNothingAcceptsAll() {
    assertThat(ContentCodings.accepts(List.of(), "gzip")).isTrue();
  }

  @Test
  void p28_aCodingIsUndone() throws IOException {
    byte[] content = "ein Inhalt".getBytes(StandardCharsets.UTF_8);

    assertThat(ContentCodings.decode(zipped(content), "gzip", 10)).isEqualTo(content);
    assertThat(ContentCodings.decode(zipped(content), "X-GZip", 10)).isEqualTo(content);
    assertThat(ContentCodings.decode(deflated(content), "deflate", 10)).isEqualTo(content);
  }

  @Test
  void p28_whatCannotBeUndoneIsLeft() throws IOException {
    byte[] bomb = zipped(new byte[10_000_000]);
    byte[] whole = zipped(new byte[100]);

    assertThat(ContentCodings.decode(bomb, "gzip", 9_999_999)).isNull();
    assertThat(ContentCodings.decode(new byte[] {1, 2, 3}, "gzip", 100)).isNull();
    assertThat(ContentCodings.decode(Arrays.copyOf(whole, whole.length - 9), "gzip", 100)).isNull();
    assertThat(ContentCodings.decode(new byte[] {1, 2, 3}, "br", 100)).isNull();
  }

  private static byte[] zipped(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  private static byte[] deflated(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DeflaterOutputStream out = new DeflaterOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }
}
