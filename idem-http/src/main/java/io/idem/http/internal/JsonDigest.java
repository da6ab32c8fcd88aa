package io.idem.http.internal;

import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * A digest of what a JSON text says, whatever its spelling.
 *
 * <ol>
 *   <li>The text is read token by token, with a stack of its own, so depth costs no call stack.
 *   <li>Scalars and arrays go into the digest in order. Strings count by their decoded value,
 *       numbers by their mathematical value, found without ever expanding them.
 *   <li>Each member of an object is digested apart; at its end they are sorted by name and go into
 *       the digest around it. Members of one name keep their order and all count.
 * </ol>
 */
public final class JsonDigest {

  private static final int MAX_DEPTH = 500;
  private static final int MAX_NUMBER_LENGTH = 1_000;

  // Names are the caller's data: no table shared by requests keeps them.
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(MAX_NUMBER_LENGTH)
                  .build())
          .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
          .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
          .build();

  private final Deque<Container> open = new ArrayDeque<>();
  private final Deque<Sha256> sinks = new ArrayDeque<>();
  private final Deque<Sha256> spare = new ArrayDeque<>();

  private JsonDigest() {}

  /**
   * Digests one JSON text in UTF-8.
   *
   * @return the digest, or null if the bytes are no JSON text or exceed a bound: deeper than 500
   *     levels, a number longer than 1000 characters, a name or string past the parser's own bounds
   */
  public static byte @Nullable [] of(byte[] json) {
    // A reader that reports: neither invalid UTF-8 nor another encoding passes for something else.
    InputStreamReader reader =
        new InputStreamReader(
            new ByteArrayInputStream(json),
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT));
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), reader)) {
      return new JsonDigest().read(parser);
    } catch (JacksonException e) {
      return null;
    }
  }

  private byte @Nullable [] read(JsonParser parser) {
    Sha256 root = new Sha256();
    sinks.push(root);
    int values = 0;
    for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
      if (open.isEmpty() && ++values > 1) {
        return null; // two texts in a row are not one
      }
      accept(token, parser);
    }
    return values == 1 ? root.finish() : null;
  }

  private void accept(JsonToken token, JsonParser parser) {
    switch (token) {
      case START_OBJECT -> open.push(new Container(new ArrayList<>()));
      case PROPERTY_NAME -> {
        open.element().name = parser.currentName();
        sinks.push(spare.isEmpty() ? new Sha256() : spare.pop());
      }
      case END_OBJECT -> {
        putMembers(open.pop());
        ended();
      }
      case START_ARRAY -> {
        sink().tag('[');
        open.push(new Container(null));
      }
      case END_ARRAY -> {
        open.pop();
        sink().tag(']');
        ended();
      }
      case VALUE_STRING -> scalar('s', parser.getString());
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> scalar('n', number(parser.getString()));
      case VALUE_TRUE -> scalar('t', "");
      case VALUE_FALSE -> scalar('f', "");
      case VALUE_NULL -> scalar('0', "");
      default -> throw new IllegalStateException("A JSON parser gives no " + token);
    }
  }

  private Sha256 sink() {
    return sinks.element();
  }

  private void scalar(char tag, String value) {
    sink().tag(tag).string(value);
    ended();
  }

  /** A value has ended: if it was a member's, the member is complete. */
  private void ended() {
    Container container = open.peek();
    if (container != null && container.members != null) {
      Sha256 sink = sinks.pop();
      container.members.add(new Member(container.name, sink.finish()));
      spare.push(sink);
    }
  }

  private void putMembers(Container object) {
    List<Member> members = object.members == null ? List.of() : object.members;
    // Stable: members of one name stay in their order.
    List<Member> sorted =
        members.stream().sorted(Comparator.comparing(member -> member.name)).toList();
    Sha256 sink = sink().tag('{').number(sorted.size());
    for (Member member : sorted) {
      sink.string(member.name).bytes(member.value);
    }
  }

  /** A decimal number as its sign, its digits without outer zeros, and a power of ten. */
  static String number(String text) {
    boolean negative = text.charAt(0) == '-';
    int mark = Math.max(text.indexOf('e'), text.indexOf('E'));
    String mantissa = text.substring(negative ? 1 : 0, mark < 0 ? text.length() : mark);
    BigInteger exponent = mark < 0 ? BigInteger.ZERO : new BigInteger(text.substring(mark + 1));
    int point = mantissa.indexOf('.');
    String digits = mantissa;
    if (point >= 0) {
      digits = mantissa.substring(0, point) + mantissa.substring(point + 1);
      exponent = exponent.subtract(BigInteger.valueOf(mantissa.length() - point - 1L));
    }
    int start = 0;
    int end = digits.length();
    while (start < end && digits.charAt(start) == '0') {
      start++;
    }
    while (end > start && digits.charAt(end - 1) == '0') {
      end--;
    }
    if (start == end) {
      return "0";
    }
    exponent = exponent.add(BigInteger.valueOf(digits.length() - (long) end));
    return (negative ? "-" : "") + digits.substring(start, end) + "e" + exponent;
  }

  /** An object or array that has not ended; only an object has members. */
  private static final class Container {

    private final @Nullable List<Member> members;
    private String name = "";

    Container(@Nullable List<Member> members) {
      this.members = members;
    }
  }

  private static final class Member {

    private final String name;
    private final byte[] value;

    Member(String name, byte[] value) {
      this.name = name;
      this.value = value;
    }
  }
}
