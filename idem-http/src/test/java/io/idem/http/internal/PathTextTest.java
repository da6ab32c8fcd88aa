package io.idem.http.internal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PathTextTest {

  @ParameterizedTest
  @CsvSource({
    "/a/b, /a/b",
    "/, /",
    "'', /",
    "a, /a",
    "//a//b/, /a/b",
    "/a;x=1/b;y, /a/b",
    "/%61/b, /a/b",
    "/a/%2e%2E/b, /b",
    "/../a, /a",
    "/.well-known/x, /.well-known/x",
    "/a/./b/.., /a",
    "/a%2Fb, /a%2Fb",
    "/a%252Fb, /a%252Fb",
    "/a%3bb, /a;b",
    "/%C3%A9, /\u00e9",
    "/\u00e9, /\u00e9",
    "/%zz%4, /%25zz%254",
    "/%ff, /\ufffd",
  })
  void p09_aPathHasOneSpelling(String sent, String canonical) {
    assertThat(PathText.canonical(sent)).isEqualTo(canonical);
  }

  /** What a handler tells apart stays apart. */
  @ParameterizedTest
  @ValueSource(strings = {"/a/b/c", "/a%2Fb", "/A/b", "/a/%62x", "/a%252Fb", "/a/b%20"})
  void p09_otherPathsStayOthers(String other) {
    assertThat(PathText.canonical(other)).isNotEqualTo(PathText.canonical("/a/b"));
  }
}
