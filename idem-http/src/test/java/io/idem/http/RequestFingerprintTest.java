package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.idem.core.store.Fingerprint;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestFingerprintTest {

  private static final String FORM = "application/x-www-form-urlencoded";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"a\":1,\"b\":2} | ~ {\"b\" : 2,\n\"a\":1}~",
        "{\"a\":{\"x\":1,\"y\":[{\"p\":1,\"q\":2}]}} | {\"a\":{\"y\":[{\"q\":2,\"p\":1}],\"x\":1}}",
        "1 | 1.0",
        "1 | 1.000e0",
        "100 | 1E2",
        "100 | 1e+2",
        "0.01 | 1e-2",
        "-1.50 | -15e-1",
        "0 | -0",
        "0 | 0.000e999999999999999999999",
        "1E+500000000 | 10E+499999999",
        "1E+99999999999999999999 | 0.1E+100000000000000000000",
        "\"\\u0041\\/\" | \"A/\"",
        "\"\\ud83d\\ude00\" | \"😀\"",
      })
  void p10_theSpellingOfJsonDoesNotCount(String one, String other) {
    assertThat(json(one)).isEqualTo(json(other));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "1 | \"1\"",
        "1 | 2",
        "1 | -1",
        "1 | 10",
        "1e1 | 1e2",
        "1E+500000000 | 1E+500000001",
        "1E+99999999999999999999 | 1E+99999999999999999998",
        "9007199254740993 | 9007199254740992",
        "0.1 | 0.10000000000000001",
        "null | {}",
        "{\"a\":null} | {}",
        "[] | {}",
        "[1,2] | [2,1]",
        "[[1],2] | [[1,2]]",
        "[[],[]] | [[[]]]",
        "[\"a\",\"b\"] | [\"ab\"]",
        "{\"a\":1,\"a\":1} | {\"a\":1}",
        "{\"a\":1,\"a\":2} | {\"a\":2}",
        "{\"a\":1,\"a\":2} | {\"a\":2,\"a\":1}",
        "{\"a\":\"b\"} | {\"b\":\"a\"}",
        "{\"a\":{\"b\":1}} | {\"a\":1,\"b\":1}",
        "true | false",
        "true | \"true\"",
        "\"\" | null",
        "\"a\" | \"A\"",
        "\"\\ud800\" | \"\\ud801\"",
        "\"\\ud800\" | \"?\"",
        "\"é\" | \"e\\u0301\"",
      })
  void p10_whatJsonSaysCounts(String one, String other) {
    assertThat(json(one)).isNotEqualTo(json(other));
  }

  @Test
  void p10_anotherEncodingOrMalformedUtf8CountsByItsBytes() {
    byte[] overlong = {'"', (byte) 0xC1, (byte) 0x81, '"'};
    byte[] broken = {'"', (byte) 0xC3, '"'};
    byte[] otherBroken = {'"', (byte) 0xC4, '"'};

    assertThat(json(overlong)).isNotEqualTo(json("\"A\""));
    assertThat(json(broken)).isNotEqualTo(json(otherBroken));
    assertThat(json("{\"a\":1}".getBytes(StandardCharsets.UTF_16BE)))
        .isNotEqualTo(json("{\"a\":1}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"a\":1", "{'a':1}", "{\"a\":1} {\"b\":2}", "{\"a\":01}", "NaN", "", "[1,]"})
  void p10_malformedJsonCountsByItsBytes(String malformed) {
    assertThat(json(malformed)).isEqualTo(json(malformed)).isNotEqualTo(json(malformed + " "));
  }

  @Test
  void p10_depthIsBoundedWithoutACallStack() {
    String deep = "[".repeat(500_000);
    String closed = deep + "]".repeat(500_000);

    assertThat(json(closed)).isEqualTo(json(closed)).isNotEqualTo(json(" " + closed));
    assertThat(json(deep)).isNotEqualTo(json(closed));
    String within = "{\"a\":".repeat(400) + "1" + "}".repeat(400);
    assertThat(json(within)).isEqualTo(json(" " + within));
  }

  @Test
  void p10_aLargeBodyCostsLittle() {
    StringBuilder members = new StringBuilder("{\"first\":1E+500000000");
    for (int i = 0; i < 100_000; i++) {
      members.append(",\"").append(i).append("\":").append(i);
    }
    String body = members.append('}').toString();

    Fingerprint fingerprint = assertTimeoutPreemptively(Duration.ofSeconds(10), () -> json(body));

    assertThat(fingerprint).isEqualTo(json(body + "\n"));
  }

  @Test
  void p10_aSeededFuzzOfSpellingsAndChanges() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      Object value = randomValue(random, 4);
      Fingerprint fingerprint = json(spell(value, random));

      assertThat(json(spell(value, random)))
          .as("another spelling of %s, seed %s, round %s", value, seed, round)
          .isEqualTo(fingerprint);
      Object changed = List.of(value, 1);
      assertThat(json(spell(changed, random)))
          .as("a change of %s, seed %s, round %s", value, seed, round)
          .isNotEqualTo(fingerprint);
      Object other = randomValue(random, 4);
      assertThat(json(spell(other, random)).equals(fingerprint))
          .as("%s and %s, seed %s, round %s", value, other, seed, round)
          .isEqualTo(sameValue(value, other));
    }
  }

  @Test
  void p10_everyPartOfTheRequestCounts() {
    RequestBody body = new RequestBody.Bytes(new byte[] {1});
    Fingerprint reference = RequestFingerprint.of("POST", "/a", "q=1", "image/png", body);

    assertThat(
            List.of(
                RequestFingerprint.of("PATCH", "/a", "q=1", "image/png", body),
                RequestFingerprint.of("POST", "/b", "q=1", "image/png", body),
                RequestFingerprint.of("POST", "/a", "q=2", "image/png", body),
                RequestFingerprint.of("POST", "/a", null, "image/png", body),
                RequestFingerprint.of("POST", "/a?q=1", null, "image/png", body),
                RequestFingerprint.of("POST", "/a", "q=1", "image/gif", body),
                RequestFingerprint.of("POST", "/a", "q=1", null, body),
                RequestFingerprint.of(
                    "POST", "/a", "q=1", "image/png", new RequestBody.Bytes(new byte[] {2}))))
        .doesNotContain(reference)
        .doesNotHaveDuplicates();
  }

  @Test
  void p10_ofTheMediaTypeNeitherCharsetNorSpellingCount() {
    RequestBody body = new RequestBody.Bytes(new byte[] {1});

    assertThat(of("Text/Plain; Charset=UTF-8", body)).isEqualTo(of("text/plain", body));
    assertThat(of("text/plain;format=\"flowed\"", body))
        .isEqualTo(of("text/plain ; format=flowed", body))
        .isNotEqualTo(of("text/plain", body))
        .isNotEqualTo(of("text/plain;format=fixed", body));
  }

  @Test
  void p10_jsonIsRecognisedBySuffix() {
    assertThat(of("application/merge-patch+json; charset=utf-8", bytes("{\"a\":1.0}")))
        .isEqualTo(of("application/merge-patch+json", bytes("{ \"a\": 1 }")));
    assertThat(of("text/plain", bytes("{ }"))).isNotEqualTo(of("text/plain", bytes("{}")));
  }

  @Test
  void p10_formsCountByFields() {
    assertThat(form("a=1&b=2")).isEqualTo(form("b=2&a=1")).isEqualTo(form("b=%32&%61=1"));
    assertThat(form("a=x+y")).isEqualTo(form("a=x%20y")).isNotEqualTo(form("a=x%2By"));
    assertThat(form("a=1&a=2")).isNotEqualTo(form("a=2&a=1")).isNotEqualTo(form("a=1"));
    assertThat(form("a=")).isNotEqualTo(form("")).isNotEqualTo(form("b="));
    assertThat(form("a=%4")).isNotEqualTo(form("a=%4 ")).isNotEqualTo(form("a=4"));
    assertThat(form("a=1%26b=2")).isNotEqualTo(form("a=1&b=2"));
  }

  @Test
  void p10_fieldsAlreadyReadCountAlike() {
    Map<String, List<String>> one = new LinkedHashMap<>();
    one.put("b", List.of("2"));
    one.put("a", List.of("1", "x"));
    Map<String, List<String>> other = new LinkedHashMap<>();
    other.put("a", List.of("1", "x"));
    other.put("b", List.of("2"));

    assertThat(of(FORM, new RequestBody.Form(one)))
        .isEqualTo(of(FORM, new RequestBody.Form(other)));
    other.put("a", List.of("x", "1"));
    assertThat(of(FORM, new RequestBody.Form(one)))
        .isNotEqualTo(of(FORM, new RequestBody.Form(other)));
  }

  @Test
  void p10_multipartCountsByPartsWhateverTheBoundary() throws IOException {
    assertThat(multipart("xyz", "one", "two"))
        .isEqualTo(multipart("--another", "one", "two"))
        .isNotEqualTo(multipart("xyz", "two", "one"))
        .isNotEqualTo(multipart("xyz", "one"))
        .isNotEqualTo(multipart("xyz", "onetwo"));
    assertThat(parts("n", "f", "text/plain", "c"))
        .isEqualTo(parts("n", "f", "Text/Plain", "c"))
        .isNotEqualTo(parts("m", "f", "text/plain", "c"))
        .isNotEqualTo(parts("n", "g", "text/plain", "c"))
        .isNotEqualTo(parts("n", null, "text/plain", "c"))
        .isNotEqualTo(parts("n", "f", null, "c"))
        .isNotEqualTo(parts("n", "f", "text/plain", "d"));
  }

  private static Fingerprint json(String text) {
    return json(text.getBytes(StandardCharsets.UTF_8));
  }

  private static Fingerprint json(byte[] text) {
    return of("application/json", new RequestBody.Bytes(text));
  }

  private static Fingerprint form(String text) {
    return of(FORM, bytes(text));
  }

  private static Fingerprint multipart(String boundary, String... contents) {
    StringBuilder body = new StringBuilder();
    for (String content : contents) {
      body.append("--").append(boundary).append("\r\nA: b\r\n\r\n").append(content).append("\r\n");
    }
    body.append("--").append(boundary).append("--\r\n");
    return of("multipart/mixed; boundary=\"" + boundary + "\"", bytes(body.toString()));
  }

  private static Fingerprint parts(String name, String fileName, String type, String content)
      throws IOException {
    return of(
        "multipart/form-data; boundary=x",
        new RequestBody.Multipart(
            List.of(
                RequestBody.Part.of(
                    name,
                    fileName,
                    type,
                    new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8))))));
  }

  private static RequestBody bytes(String text) {
    return new RequestBody.Bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  private static Fingerprint of(String contentType, RequestBody body) {
    return RequestFingerprint.of("POST", "/", null, contentType, body);
  }

  // ---- the fuzz: values of a small world, so that equal ones meet

  private static Object randomValue(Random random, int depth) {
    return switch (random.nextInt(depth == 0 ? 4 : 6)) {
      case 0 -> random.nextBoolean();
      case 1 -> BigDecimal.valueOf(random.nextInt(3) - 1, random.nextInt(5) - 2);
      case 2 -> "ab".substring(random.nextInt(2));
      case 3 -> "1";
      case 4 -> {
        List<Object> elements = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
          elements.add(randomValue(random, depth - 1));
        }
        yield elements;
      }
      default -> {
        Map<String, Object> members = new HashMap<>();
        for (int i = random.nextInt(3); i > 0; i--) {
          members.put("abc".substring(random.nextInt(3)), randomValue(random, depth - 1));
        }
        yield members;
      }
    };
  }

  private static boolean sameValue(Object one, Object other) {
    if (one instanceof BigDecimal a && other instanceof BigDecimal b) {
      return a.compareTo(b) == 0;
    } else if (one instanceof List<?> a && other instanceof List<?> b) {
      boolean same = a.size() == b.size();
      for (int i = 0; same && i < a.size(); i++) {
        same = sameValue(a.get(i), b.get(i));
      }
      return same;
    } else if (one instanceof Map<?, ?> a && other instanceof Map<?, ?> b) {
      return a.keySet().equals(b.keySet())
          && a.entrySet().stream().allMatch(e -> sameValue(e.getValue(), b.get(e.getKey())));
    }
    return one.equals(other);
  }

  private static String spell(Object value, Random random) {
    String blank = " \n".substring(random.nextInt(3));
    if (value instanceof BigDecimal number) {
      return blank
          + switch (random.nextInt(3)) {
            case 0 -> number.toPlainString();
            case 1 -> number.unscaledValue() + "e" + -number.scale();
            default ->
                number.unscaledValue() + ".00E" + (number.scale() > 0 ? "" : "+") + -number.scale();
          };
    } else if (value instanceof List<?> list) {
      return blank
          + "["
          + String.join(",", list.stream().map(v -> spell(v, random)).toList())
          + "]";
    } else if (value instanceof Map<?, ?> map) {
      List<String> members = new ArrayList<>();
      map.forEach((k, v) -> members.add("\"" + k + "\"" + blank + ":" + spell(v, random)));
      Collections.shuffle(members, random);
      return blank + "{" + String.join(",", members) + blank + "}";
    } else if (value instanceof String text) {
      return blank + '"' + (random.nextBoolean() ? text : text.replace("a", "\\u0061")) + '"';
    }
    return blank + value;
  }
}
