package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.idem.core.store.Fingerprint;
import io.idem.http.internal.JsonDigest;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Hostile bodies: whatever is sent has one fingerprint, which costs little, and two bodies have the
 * same one exactly if they say the same. A failure names its seed; {@code -Didem.seed=N} repeats
 * it.
 */
class FingerprintFuzzTest {

  private static final String JSON = "application/json";
  private static final String FORM = "application/x-www-form-urlencoded";

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final long seed = Long.getLong("idem.seed", new Random().nextLong());
  private final Random random = new Random(seed);

  // ---- what is the same

  private static final List<byte[]> JSON_PIECES =
      Arrays.asList(
          ascii("0"),
          ascii("-0"),
          ascii("1"),
          ascii("1.0"),
          ascii("10e-1"),
          ascii("0.1E1"),
          ascii("1E+500000000"),
          ascii("10e+0499999999"),
          ascii("9".repeat(300)),
          ascii("e"),
          ascii("1e99999999999999999999"),
          ascii("10e99999999999999999998"),
          ascii("-1e-0"),
          ascii("0.1e-100000000000000000000"),
          ascii("1e-100000000000000000001"),
          ascii("."),
          ascii("\"\""),
          ascii("\"a\""),
          ascii("\"\\u0061\""),
          ascii("\"\\ud800\""),
          ascii("\\"),
          ascii("\"\\uD83D\\uDE00\""),
          "\"😀\"".getBytes(StandardCharsets.UTF_8),
          ascii("\""),
          ascii("null"),
          ascii("true"),
          ascii("false"),
          ascii("{}"),
          ascii("[]"),
          ascii(","),
          ascii("{\"a\":1,\"a\":2}"),
          ascii("{\"a\":2,\"a\":1}"),
          ascii("{\"b\":0,\"a\":1}"),
          ascii("{\"a\":1.0,\"b\":-0}"),
          ascii(":"),
          ascii("["),
          ascii("]"),
          ascii("{"),
          ascii("}"),
          ascii(" "),
          ascii("\n"),
          ascii("\t"),
          ascii("\0"),
          ascii("-"),
          ascii("+"),
          "\ufeff".getBytes(StandardCharsets.UTF_8),
          new byte[] {(byte) 0xC3},
          new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
          new byte[] {(byte) 0xF4, (byte) 0x90},
          "[1]".getBytes(StandardCharsets.UTF_16BE));

  /** What may be wrong at some place of a JSON text. */
  private static final String WRONG = "0123456789-+.eE{}[]:,\"\\ \ttrufalsn\u0001\u007f";

  private static final List<byte[]> FORM_PIECES =
      Arrays.asList(
          ascii("a"),
          ascii("b"),
          ascii("="),
          ascii("&"),
          ascii("%61"),
          ascii("%41"),
          ascii("%4"),
          ascii("%zz"),
          ascii("+"),
          ascii("%20"),
          ascii("a=1"),
          ascii("b=2&"),
          ascii("&a=1"),
          ascii("%"),
          new byte[] {(byte) 0xE9},
          ascii("%e9"),
          ascii("%26"));

  private static final List<byte[]> PART_PIECES =
      Arrays.asList(
          ascii("\r\n"),
          ascii("--"),
          ascii("-b"),
          ascii("b"),
          ascii("\r"),
          ascii("\n"),
          ascii("\r\n--b"),
          ascii("--b\r\n"),
          ascii("--b--"),
          ascii("A: b\r\n\r\n"),
          ascii("x"));

  @Test
  void p10_jsonIsTheSameExactlyWhereItSaysTheSame() {
    agree(JSON, JSON_PIECES, 60_000, FingerprintFuzzTest::jsonText, JsonModel::read);
  }

  /** Short texts are decoded at once, long ones part by part. */
  @Test
  void p10_aShortTextIsReadAsALongOneIs() {
    for (int round = 0; round < 3_000; round++) {
      byte[] text = jsonText(random);
      byte[] padded = Arrays.copyOf(text, 9_000);
      Arrays.fill(padded, text.length, padded.length, (byte) ' ');

      byte[] digest = JsonDigest.of(text);
      assertThat(JsonDigest.of(padded))
          .as("the digest of %s, round %d of seed %d", shown(text), round, seed)
          .isEqualTo(digest);
    }
    for (int length = 8_190; length <= 8_195; length++) {
      byte[] text = ascii("\"" + "a".repeat(length - 2) + "\"");
      byte[] escaped = ascii("\"\\u0061" + "a".repeat(length - 3) + "\"");

      assertThat(JsonDigest.of(text)).isNotNull().isEqualTo(JsonDigest.of(escaped));
    }
  }

  /** Short texts without escapes are read without a parser, and are the same as what it reads. */
  @Test
  void p10_aPlainTextIsReadAsAnyOtherIs() {
    int read = 0;
    int refused = 0;
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text = new StringBuilder();
      plainValue(random.nextInt(40) == 0 ? 40 : 4, text);
      if (random.nextInt(3) == 0) {
        int at = random.nextInt(text.length());
        char other = WRONG.charAt(random.nextInt(WRONG.length()));
        switch (random.nextInt(3)) {
          case 0 -> text.setCharAt(at, other);
          case 1 -> text.insert(at, other);
          default -> text.deleteCharAt(at);
        }
      }
      byte[] plain = ascii(text.toString());
      byte[] padded = Arrays.copyOf(plain, Math.max(9_000, plain.length + 1));
      Arrays.fill(padded, plain.length, padded.length, (byte) ' ');

      byte[] digest = JsonDigest.of(plain);
      assertThat(digest)
          .as("the digest of %s, round %d of seed %d", text, round, seed)
          .isEqualTo(JsonDigest.of(padded));
      read += digest == null ? 0 : 1;
      refused += digest == null ? 1 : 0;
    }
    assertThat(read).as("texts that are JSON").isGreaterThan(10_000);
    assertThat(refused).as("texts that are not").isGreaterThan(1_000);
  }

  /** A member's value goes into the digest as it is, or from some length on as its own digest. */
  @Test
  void p10_membersOfAnyLengthAreReadAlike() {
    List<byte[]> digests = new ArrayList<>();
    for (int length = 0; length <= 300; length++) {
      String value = "a".repeat(length);
      byte[] plain = ascii("{\"x\":1,\"b\":\"" + value + "\",\"y\":[true,\"" + value + "\"]}");
      byte[] other =
          ascii("{\"y\":[true,\"" + value + "\"],\"\\u0062\":\"" + value + "\",\"x\":1}");

      assertThat(JsonDigest.of(other)).as("%s characters", length).isEqualTo(JsonDigest.of(plain));
      digests.add(JsonDigest.of(plain));
    }
    assertThat(digests).doesNotHaveDuplicates();
  }

  /** A value that is written as the digest of another would be is not taken for it. */
  @Test
  void p10_aShortValueIsNoDigestOfALongOne() {
    assertThat(JsonDigest.of(ascii("{\"a\":{}}"))).isNotEqualTo(JsonDigest.of(ascii("{\"a\":0}")));
    assertThat(JsonDigest.of(ascii("{\"a\":{\"b\":{}}}")))
        .isNotEqualTo(JsonDigest.of(ascii("{\"a\":{},\"b\":{}}")));
  }

  private void plainValue(int depth, StringBuilder text) {
    String blank = random.nextInt(8) == 0 ? " \r\n\t".substring(random.nextInt(4)) : "";
    text.append(blank);
    int kind = depth > 4 ? 8 + random.nextInt(2) : random.nextInt(depth == 0 ? 8 : 10);
    switch (kind) {
      case 0 -> text.append("true");
      case 1 -> text.append("false");
      case 2 -> text.append("null");
      case 3 -> text.append('"').append("Aa /~\u007f", 0, random.nextInt(7)).append('"');
      case 4, 5, 6, 7 -> plainNumber(text);
      default -> {
        boolean object = kind == 8;
        int most = random.nextInt(200) == 0 ? 70 : 4;
        text.append(object ? '{' : '[');
        for (int i = random.nextInt(most) + (depth > 4 ? 1 : 0); i > 0; i--) {
          if (object) {
            String name = "bbaab".substring(random.nextInt(5), 5);
            text.append('"').append(name).append(i > 4 ? i % 60 : "").append('"');
            text.append(blank).append(':');
          }
          plainValue(depth > 4 ? depth - (i == 1 ? 1 : depth) : depth - 1, text);
          text.append(i > 1 ? "," : "");
        }
        text.append(object ? '}' : ']');
      }
    }
    text.append(blank);
  }

  private void plainNumber(StringBuilder text) {
    text.append(random.nextBoolean() ? "-" : "");
    text.append(random.nextInt(4) == 0 ? "0" : String.valueOf(1 + random.nextInt(2_000)));
    if (text.charAt(text.length() - 1) != '0' || random.nextInt(3) == 0) {
      text.append("0".repeat(random.nextInt(5) == 0 ? random.nextInt(70) : 0));
    }
    if (random.nextInt(4) == 0) {
      text.append('.').append(random.nextInt(3)).append("0".repeat(random.nextInt(3)));
    }
    if (random.nextInt(4) == 0) {
      text.append(random.nextBoolean() ? 'e' : 'E')
          .append(List.of("", "+", "-").get(random.nextInt(3)));
      text.append("0".repeat(random.nextInt(2))).append(random.nextInt(30));
    }
  }

  @Test
  void p10_formsAreTheSameExactlyWhereTheirFieldsAre() {
    agree(
        FORM,
        FORM_PIECES,
        30_000,
        random -> joined(random, FORM_PIECES, 8),
        FingerprintFuzzTest::fields);
  }

  @Test
  void p10_partsAreTheSameExactlyWhereTheirSectionsAre() {
    int same = 0;
    int different = 0;
    for (int round = 0; round < 30_000; round++) {
      byte[] one = joined(random, PART_PIECES, 12);
      byte[] other = random.nextBoolean() ? one : varied(one, PART_PIECES);
      List<String> sections = sections(other);
      byte[] rebound = String.join("--cc", sections).getBytes(StandardCharsets.ISO_8859_1);
      boolean expected = sections(one).equals(sections);

      assertThat(
              of("multipart/mixed; boundary=b", one)
                  .equals(of("multipart/mixed; boundary=cc", rebound)))
          .as(
              "the same fingerprint of %s and %s, round %d of seed %d",
              shown(one), shown(rebound), round, seed)
          .isEqualTo(expected);
      same += expected ? 1 : 0;
      different += expected ? 0 : 1;
    }
    assertThat(same).as("pairs of the same parts").isGreaterThan(1_000);
    assertThat(different).as("pairs that differ").isGreaterThan(1_000);
  }

  /** Pairs of a body and a variation of it: their fingerprints agree where the model does. */
  private void agree(
      String type,
      List<byte[]> pieces,
      int rounds,
      Function<Random, byte[]> bodies,
      Function<byte[], Optional<Object>> model) {
    int same = 0;
    int different = 0;
    int unreadable = 0;
    for (int round = 0; round < rounds; round++) {
      byte[] one = bodies.apply(random);
      byte[] other = random.nextInt(4) == 0 ? bodies.apply(random) : varied(one, pieces);
      boolean found = of(type, one).equals(of(type, other));
      Optional<Object> first;
      Optional<Object> second;
      try {
        first = model.apply(one);
        second = model.apply(other);
      } catch (JsonModel.Undecided e) {
        continue;
      }
      boolean readable = first.isPresent() && second.isPresent();
      boolean expected = readable ? first.equals(second) : Arrays.equals(one, other);
      assertThat(found)
          .as(
              "the same fingerprint of %s and %s, round %d of seed %d",
              shown(one), shown(other), round, seed)
          .isEqualTo(expected);
      if (!readable) {
        unreadable++;
      } else if (!expected) {
        different++;
      } else if (!Arrays.equals(one, other)) {
        same++;
      }
    }
    assertThat(same).as("pairs that say the same in other bytes").isGreaterThan(rounds / 50);
    assertThat(different).as("pairs that differ").isGreaterThan(rounds / 50);
    assertThat(unreadable).as("pairs with a malformed body").isGreaterThan(rounds / 50);
  }

  /** Inserts, deletes, repeats and flips; the first often between two tokens. */
  private byte[] varied(byte[] body, List<byte[]> pieces) {
    ByteArrayOutputStream varied = new ByteArrayOutputStream();
    int at = random.nextInt(body.length + 1);
    int end = Math.min(body.length, at + random.nextInt(6));
    varied.write(body, 0, at);
    switch (random.nextInt(6)) {
      case 0 -> at = end;
      case 1 -> varied.write(body, at, end - at);
      case 2 -> {
        if (at < body.length) {
          varied.write(body[at] ^ 1 << random.nextInt(8));
          at++;
        }
      }
      case 3 -> varied.writeBytes(pieces.get(random.nextInt(pieces.size())));
      case 4 -> at = body.length; // cut off
      default -> varied.writeBytes(ascii(" &\r\n".substring(random.nextInt(3)).substring(0, 1)));
    }
    varied.write(body, at, body.length - at);
    return varied.toByteArray();
  }

  /** Mostly JSON: small, so that what varies often means the same. */
  private static byte[] jsonText(Random random) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    value(random, 3, text);
    return text.toByteArray();
  }

  private static void value(Random random, int depth, ByteArrayOutputStream text) {
    int kind = random.nextInt(depth == 0 ? 6 : 10);
    if (kind < 6) {
      text.writeBytes(JSON_PIECES.get(random.nextInt(kind == 0 ? JSON_PIECES.size() : 30)));
      return;
    }
    boolean object = kind % 2 == 0;
    text.write(object ? '{' : '[');
    for (int i = random.nextInt(4); i > 0; i--) {
      if (object) {
        text.writeBytes(ascii("\"" + "ab".charAt(random.nextInt(2)) + "\":"));
      }
      value(random, depth - 1, text);
      if (i > 1) {
        text.write(',');
      }
    }
    text.write(object ? '}' : ']');
  }

  private static byte[] joined(Random random, List<byte[]> pieces, int most) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (int i = random.nextInt(most); i > 0; i--) {
      body.writeBytes(pieces.get(random.nextInt(pieces.size())));
    }
    return body.toByteArray();
  }

  private static Optional<Object> fields(byte[] body) {
    Map<String, List<String>> fields = new TreeMap<>();
    for (String field : new String(body, StandardCharsets.ISO_8859_1).split("&", -1)) {
      if (field.isEmpty()) {
        continue;
      }
      if (Pattern.compile("%(?![0-9a-fA-F]{2})").matcher(field).find()) {
        return Optional.empty();
      }
      String[] sides = field.split("=", 2);
      fields
          .computeIfAbsent(decoded(sides[0]), unused -> new ArrayList<>())
          .add(sides.length == 1 ? "" : decoded(sides[1]));
    }
    return Optional.of(fields);
  }

  private static String decoded(String text) {
    return Pattern.compile("%(..)")
        .matcher(text.replace('+', ' '))
        .replaceAll(
            escape ->
                Matcher.quoteReplacement(
                    String.valueOf((char) Integer.parseInt(escape.group(1), 16))));
  }

  /** What stands between the delimiters of the boundary {@code b}. */
  private static List<String> sections(byte[] body) {
    return Arrays.asList(
        Pattern.compile("(?<=\\A|\r\n)--b")
            .split(new String(body, StandardCharsets.ISO_8859_1), -1));
  }

  // ---- what anything costs

  @Test
  void p10_anyBytesOfAnyTypeCostLittle() {
    List<String> types =
        List.of(
            JSON,
            FORM,
            "multipart/mixed; boundary=" + "-".repeat(5_000),
            "multipart/form-data; boundary=\"\\\"; ;\"; charset=\"",
            "multipart/x;boundary=\r\n",
            "application/problem+json;;;=;\"",
            "\"");
    of(JSON, ascii("{}")); // what it costs once
    for (int round = 0; round < 20_000; round++) {
      String type = types.get(random.nextInt(types.size()));
      byte[] body =
          switch (random.nextInt(4)) {
            case 0 -> joined(random, JSON_PIECES, 400);
            case 1 -> joined(random, FORM_PIECES, 400);
            case 2 -> joined(random, PART_PIECES, 400);
            default ->
                random
                    .ints(random.nextInt(2_000))
                    .collect(ByteArrayOutputStream::new, ByteArrayOutputStream::write, (a, b) -> {})
                    .toByteArray();
          };
      long before = allocated();
      Fingerprint fingerprint = of(type, body);
      long cost = allocated() - before;

      assertThat(of(type, body))
          .as("again, round %d of seed %d", round, seed)
          .isEqualTo(fingerprint);
      assertThat(cost)
          .as("bytes allocated for %d as %s, round %d of seed %d", body.length, type, round, seed)
          .isLessThan(1_000_000 + 64L * body.length);
    }
  }

  /** The largest that a request is allowed to be by any sane setting, at its worst. */
  enum Shape {
    SHORTEST_MEMBERS(JSON, "{", "\"\":0,", "\"\":0}"),
    AS_MANY_MEMBERS_AS_ARE_READ(JSON, "{", "\"%044d\":0,", "\"\":0}"),
    OBJECTS_OF_ONE_MEMBER(JSON, "[", "{\"a\":0},", "0]"),
    EMPTY_OBJECTS(JSON, "[", "{},", "0]"),
    NUMBERS(JSON, "[", "0,", "0]"),
    WIDE_EXPONENTS(JSON, "[", "1e99999999999999999999,", "0]"),
    NUMBERS_OF_A_THOUSAND_DIGITS(JSON, "[", "9".repeat(1_000) + ",", "0]"),
    ONE_NUMBER(JSON, "", "9", ""),
    EMPTY_STRINGS(JSON, "[", "\"\",", "0]"),
    ONE_STRING_OF_ESCAPES(JSON, "\"", "\\u0041", "\""),
    ONE_NAME(JSON, "{\"", "a", "\":0}"),
    DEEP_OBJECTS(JSON, "[", "{\"a\":".repeat(498) + "0" + "}".repeat(498) + ",", "0]"),
    DEEP_ARRAYS(JSON, "[", "[".repeat(498) + "]".repeat(498) + ",", "0]"),
    MALFORMED_AT_THE_END(JSON, "[", "0,", "]"),
    SHORTEST_FIELDS(FORM, "", "a&", ""),
    ONE_FIELD_OF_ESCAPES(FORM, "a=", "%41", ""),
    AS_MANY_FIELDS_AS_ARE_READ(FORM, "", "a=" + "%41+".repeat(1_300) + "&", ""),
    ALMOST_BOUNDARIES(
        "multipart/mixed; boundary=" + "b".repeat(70), "", "\r\n--" + "b".repeat(69), ""),
    BOUNDARIES("multipart/mixed; boundary=b", "", "--b\r\n", "");

    private static final int SIZE = 50_000_000;

    private final String type;
    private final String before;
    private final String repeated;
    private final String after;

    Shape(String type, String before, String repeated, String after) {
      this.type = type;
      this.before = before;
      this.repeated = repeated;
      this.after = after;
    }

    byte[] body() {
      byte[] body = new byte[SIZE];
      Arrays.fill(body, (byte) ' ');
      int at = put(before, body, 0);
      boolean numbered = repeated.contains("%0");
      String unit = numbered ? repeated.formatted(0) : repeated;
      int times = (SIZE - before.length() - after.length()) / unit.length();
      for (int i = 0; i < times; i++) {
        at = put(numbered ? repeated.formatted(i) : unit, body, at);
      }
      put(after, body, at);
      return body;
    }

    private static int put(String text, byte[] body, int at) {
      for (int i = 0; i < text.length(); i++) {
        body[at + i] = (byte) text.charAt(i);
      }
      return at + text.length();
    }
  }

  /** Everything allocated counts, kept or not: so it also fits where 500 MB is all there is. */
  @ParameterizedTest
  @EnumSource
  void p10_theWorstBodiesOfFiftyMegabytesAreBounded(Shape shape) {
    byte[] body = shape.body();
    long allocated = allocated();
    long time = THREADS.getCurrentThreadCpuTime();

    Fingerprint fingerprint = of(shape.type, body);

    time = THREADS.getCurrentThreadCpuTime() - time;
    allocated = allocated() - allocated;
    assertThat(fingerprint).isNotEqualTo(Fingerprint.NONE);
    assertThat(allocated).as("bytes allocated").isLessThanOrEqualTo(8L * body.length);
    assertThat(Duration.ofNanos(time)).as("time on a processor").isLessThan(Duration.ofSeconds(10));
  }

  @Test
  void p10_upToAMillionMembersAreReadAndMoreCountByTheirBytes() {
    byte[] most = ascii("{" + "\"\":0,".repeat(999_999) + "\"\":0}");
    byte[] more = ascii("[{" + "\"\":0,".repeat(999_999) + "\"\":0},{\"\":0}]");

    assertThat(of(JSON, most)).isEqualTo(of(JSON, spaced(most)));
    assertThat(of(JSON, more)).isEqualTo(of(JSON, more)).isNotEqualTo(of(JSON, spaced(more)));
  }

  @Test
  void p10_upToTenThousandFieldsAreReadAndMoreCountByTheirBytes() {
    String most = "a&".repeat(9_999);

    assertThat(of(FORM, ascii(most + "b=1"))).isEqualTo(of(FORM, ascii("b=1&" + most)));
    assertThat(of(FORM, ascii(most + "a&b=1"))).isNotEqualTo(of(FORM, ascii("b=1&a&" + most)));
  }

  private static byte[] spaced(byte[] json) {
    byte[] spaced = new byte[json.length + 1];
    spaced[0] = ' ';
    System.arraycopy(json, 0, spaced, 1, json.length);
    return spaced;
  }

  private static long allocated() {
    return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  private static Fingerprint of(String type, byte[] body) {
    return RequestFingerprint.of("POST", "/", null, type, new RequestBody.Bytes(body));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static String shown(byte[] body) {
    return '<' + new String(body, StandardCharsets.ISO_8859_1) + '>';
  }
}
