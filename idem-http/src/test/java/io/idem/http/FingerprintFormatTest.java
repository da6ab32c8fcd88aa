package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Fingerprint;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A fingerprint is stored beside its key: the same request has the same one for ever, or repeats
 * across an upgrade are misuse.
 */
class FingerprintFormatTest {

  static Stream<Row> format2() throws IOException {
    try (InputStream in =
        FingerprintFormatTest.class.getResourceAsStream("fingerprints-of-format-2.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .filter(line -> !line.isBlank() && !line.startsWith("#"))
              .map(line -> line.split("\t", -1))
              .map(field -> new Row(field[0], field[1], field[2], field[3]))
              .toList()
              .stream();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("format2")
  void bodiesOfFormat2KeepTheirFingerprints(Row row) {
    assertThat(row.fingerprint()).hasToString(row.expected());
  }

  @Test
  void whatTheContainerTookApartKeepsItsFingerprint() throws IOException {
    RequestBody form = new RequestBody.Form(Map.of("b", List.of("2"), "a", List.of("1", "é€")));
    RequestBody multipart =
        new RequestBody.Multipart(
            List.of(
                part("file", "a.txt", "text/plain; charset=utf-8", "content"),
                part("note", null, null, "")));

    assertThat(of("application/x-www-form-urlencoded", form))
        .hasToString("e50be182f0d7e116a5e45d6618aa114e");
    assertThat(of("multipart/form-data; boundary=x", multipart))
        .hasToString("c8065927915aae06cc6a211498c293fe");
  }

  private static RequestBody.Part part(String name, String fileName, String type, String content)
      throws IOException {
    return RequestBody.Part.of(
        name, fileName, type, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)));
  }

  private static Fingerprint of(String contentType, RequestBody body) {
    return RequestFingerprint.of("POST", "/orders", "q=1", contentType, body);
  }

  /** A body in hexadecimal, or the name of one that is too large to be written down. */
  record Row(String name, String contentType, String body, String expected) {

    Fingerprint fingerprint() {
      return of(contentType, new RequestBody.Bytes(bytes()));
    }

    private byte[] bytes() {
      return switch (body) {
        case "@members" -> repeated("{\"first\":1E+500000000", ",\"%d\":%d", 100_000, "}");
        case "@elements" -> repeated("[0", ",%d.5e%d", 100_000, "]");
        case "@objects" -> repeated("[{}", ",{\"b\":%d,\"a\":{\"c\":[%d]}}", 30_000, "]");
        case "@string" -> repeated("\"", "\\u00e9%d\\n%d", 100_000, "\"");
        case "@deep" ->
            ("{\"a\":[".repeat(200) + "]}".repeat(200)).getBytes(StandardCharsets.UTF_8);
        case "@fields" -> repeated("first=1", "&a%d=%%41+%d", 5_000, "");
        default -> HexFormat.of().parseHex(body);
      };
    }

    private static byte[] repeated(String before, String middle, int times, String after) {
      StringBuilder text = new StringBuilder(before);
      for (int i = 0; i < times; i++) {
        text.append(middle.formatted(i, i % 1_000));
      }
      return text.append(after).toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
      return name;
    }
  }
}
