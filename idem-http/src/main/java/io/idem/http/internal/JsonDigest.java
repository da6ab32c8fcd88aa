package io.idem.http.internal;

import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;

/**
 * A digest of what a JSON text says, whatever its spelling.
 *
 * <ol>
 *   <li>The text is read token by token, with a stack of its own, so depth costs no call stack.
 *   <li>Scalars and arrays go into the digest in order. Strings count by their decoded value,
 *       numbers by their mathematical value, found without ever expanding them.
 *   <li>Each member of an object is read apart; at its end they are sorted by name and go into the
 *       digest around it, a short value as it is and a longer one as its own digest. Members of one
 *       name keep their order and all count.
 * </ol>
 *
 * <p>What a text costs is bounded by its length: strings and numbers pass through without becoming
 * objects, the members of all open objects lie in two arrays, and a text of more members than a
 * million has no digest.
 */
public final class JsonDigest {

  private static final int MAX_DEPTH = 500;
  private static final int MAX_NUMBER_LENGTH = 1_000;
  private static final int MAX_MEMBERS = 1_000_000;

  /** Up to here a text is decoded at once, which costs a short one less than a stream does. */
  private static final int SHORT_TEXT = 8_192;

  // Names are the caller's data: no table shared by requests keeps them. Nor is a pool of buffers
  // shared by them: a short text needs none, and to a long one they are cheap.
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(MAX_NUMBER_LENGTH)
                  .build())
          .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
          .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
          .build();

  /**
   * Up to how many bytes a member's value goes into the digest around it as it is. A digest costs
   * more time than to sort and copy those; in memory it is the most that a member's value takes
   * until its object ends. A string has two bytes for each character, and a UUID fits.
   */
  static final int SHORT_VALUE = 80;

  private static final int ARRAY = -1;

  private final DecimalNumber number = new DecimalNumber();
  private final Writer strings = new StringParts();
  private final Deque<Sha256> sinks = new ArrayDeque<>();
  private final Deque<Sha256> spare = new ArrayDeque<>();

  /** For each open container: where its members begin if it is an object. */
  private int[] open = new int[16];

  private int depth;

  /** The members of all open objects; the last one of each may have no value yet. */
  private String[] names = new String[8];

  /** Where the value of each member begins, and how many bytes it has, or -1 for a digest. */
  private int[] begins = new int[8];

  private int[] sizes = new int[8];
  private int kept;

  /** The members' values. */
  private byte[] values = new byte[8 * Sha256.BYTES];

  private int valuesEnd;
  private int members;

  private JsonDigest() {}

  /**
   * Digests one JSON text in UTF-8.
   *
   * @param json the text
   * @return the digest, or null if the bytes are no JSON text or exceed a bound, as in {@link
   *     #addTo}
   */
  public static byte @Nullable [] of(byte[] json) {
    Sha256 digest = new Sha256();
    PlainJson plain = PlainJson.read(json, digest);
    if (plain != null) {
      plain.addTo(digest);
    } else if (!addTo(digest, json)) {
      return null;
    }
    return digest.finish();
  }

  /**
   * Adds what one JSON text in UTF-8 says to a digest. Its end is known.
   *
   * @param sink where to; after a text that is refused it is of no use before it starts anew
   * @param json the text
   * @return false if the bytes are no JSON text or exceed a bound: deeper than 500 levels, more
   *     than 1 000 000 members, a number longer than 1000 characters, a name or string past the
   *     parser's own bounds
   */
  public static boolean addTo(Sha256 sink, byte[] json) {
    try (JsonParser parser = json.length > SHORT_TEXT ? parserOfLong(json) : parserOfShort(json)) {
      return new JsonDigest().read(parser, sink);
    } catch (JacksonException | CharacterCodingException e) {
      return false;
    }
  }

  private static JsonParser parserOfShort(byte[] json) throws CharacterCodingException {
    char[] text = new char[json.length]; // UTF-8 has at least a byte for each of them
    int length = 0;
    while (length < json.length && json[length] >= 0) {
      text[length] = (char) json[length];
      length++;
    }
    if (length < json.length) {
      CharBuffer decoded = CharBuffer.wrap(text);
      CoderResult result = utf8().decode(ByteBuffer.wrap(json), decoded, true);
      if (result.isError()) {
        result.throwException();
      }
      length = decoded.position();
    }
    return FACTORY.createParser(ObjectReadContext.empty(), text, 0, length);
  }

  private static JsonParser parserOfLong(byte[] json) {
    return FACTORY.createParser(
        ObjectReadContext.empty(), new InputStreamReader(new ByteArrayInputStream(json), utf8()));
  }

  /**
   * A decoder that reports: neither invalid UTF-8 nor another encoding passes for something else.
   */
  private static CharsetDecoder utf8() {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT);
  }

  private boolean read(JsonParser parser, Sha256 root) {
    sinks.push(root);
    int texts = 0;
    for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
      if (depth == 0 && ++texts > 1) {
        return false; // two texts in a row are not one
      }
      if (token == JsonToken.PROPERTY_NAME && ++members > MAX_MEMBERS) {
        return false;
      }
      accept(token, parser);
    }
    return texts == 1;
  }

  private void accept(JsonToken token, JsonParser parser) {
    switch (token) {
      case START_OBJECT -> open(kept);
      case PROPERTY_NAME -> begin(parser.currentName());
      case END_OBJECT -> {
        putMembers(open[--depth]);
        ended();
      }
      case START_ARRAY -> {
        sink().tag('[');
        open(ARRAY);
      }
      case END_ARRAY -> {
        depth--;
        sink().tag(']');
        ended();
      }
      case VALUE_STRING -> {
        // The length first: what is asked for as a whole would be put together as a whole.
        sink().tag('s').number(parser.getStringLength());
        parser.getString(strings);
        ended();
      }
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
        int from = parser.getStringOffset();
        number.read(parser.getStringCharacters(), from, from + parser.getStringLength());
        sink().tag('n').number(number.length()).units(number.characters(), 0, number.length());
        ended();
      }
      case VALUE_TRUE -> word('t');
      case VALUE_FALSE -> word('f');
      case VALUE_NULL -> word('0');
      default -> throw new IllegalStateException("A JSON parser gives no " + token);
    }
  }

  private Sha256 sink() {
    return sinks.element();
  }

  private void word(char tag) {
    sink().tag(tag).string("");
    ended();
  }

  private void open(int members) {
    if (depth == open.length) {
      open = Arrays.copyOf(open, 2 * depth);
    }
    open[depth++] = members;
  }

  private void begin(String name) {
    if (kept == names.length) {
      names = Arrays.copyOf(names, 2 * kept);
      begins = Arrays.copyOf(begins, 2 * kept);
      sizes = Arrays.copyOf(sizes, 2 * kept);
    }
    names[kept++] = name;
    sinks.push(spare.isEmpty() ? new Sha256() : spare.pop());
  }

  /** A value has ended: if it was a member's, the member is complete. */
  private void ended() {
    if (depth > 0 && open[depth - 1] != ARRAY) {
      if (valuesEnd + SHORT_VALUE > values.length) {
        values = Arrays.copyOf(values, values.length + values.length / 2);
      }
      Sha256 sink = sinks.pop();
      int size = sink.finishShortInto(values, valuesEnd, SHORT_VALUE);
      begins[kept - 1] = valuesEnd;
      sizes[kept - 1] = size;
      valuesEnd += bytesOf(size);
      spare.push(sink);
    }
  }

  private void putMembers(int from) {
    int count = kept - from;
    Sha256 sink = sink().tag('{').number(count);
    if (count > 0) {
      for (int member : sorted(from, count)) {
        int begin = begins[member];
        sink.string(names[member]).number(sizes[member]);
        sink.raw(values, begin, begin + bytesOf(sizes[member]));
      }
      valuesEnd = begins[from];
    }
    kept = from;
  }

  private static int bytesOf(int size) {
    return size < 0 ? Sha256.BYTES : size;
  }

  /** The members from a place on, by name; those of one name stay in their order. */
  private int[] sorted(int from, int count) {
    int[] members = new int[count];
    for (int i = 0; i < count; i++) {
      members[i] = from + i;
    }
    int[] merged = new int[count];
    for (int width = 1; width < count; width *= 2) {
      for (int low = 0; low < count; low += 2 * width) {
        merge(members, low, Math.min(low + width, count), Math.min(low + 2 * width, count), merged);
      }
      int[] swap = members;
      members = merged;
      merged = swap;
    }
    return members;
  }

  private void merge(int[] members, int low, int middle, int high, int[] merged) {
    int left = low;
    int right = middle;
    for (int i = low; i < high; i++) {
      boolean takeLeft =
          right == high
              || (left < middle && names[members[left]].compareTo(names[members[right]]) <= 0);
      merged[i] = members[takeLeft ? left++ : right++];
    }
  }

  /** Takes a string part by part. */
  private final class StringParts extends Writer {

    @Override
    public void write(char[] part, int from, int length) {
      sink().units(part, from, from + length);
    }

    @Override
    public void flush() {
      // Everything has gone on already.
    }

    @Override
    public void close() {
      // As above.
    }
  }
}
