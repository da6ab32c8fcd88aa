package io.idem.http.internal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What {@link JsonDigest} digests, of a text that is short and plain: ASCII without escapes, not
 * deep, with few members. That is what most bodies are, and without a parser it costs them a
 * fraction.
 *
 * <p>What is not plain, or no JSON text, is left to {@link JsonDigest}: nothing is decided here
 * that would have to be decided twice. Each value is written into one array, in which a member's
 * lies behind what is open around it until its object takes it.
 */
public final class PlainJson {

  private static final int MAX_LENGTH = 8_192;
  private static final int MAX_DEPTH = 32;
  private static final int MAX_MEMBERS = 64;
  private static final int MAX_NUMBER_LENGTH = 64;

  /** How many numbers tell a member. */
  private static final int MEMBER = 4;

  private final byte[] text;
  private final Sha256 digest;
  private int at;

  private byte[] out;
  private int length;

  /**
   * The members of all open objects, those of one object by name: where the name begins and ends in
   * the text, where the value is in the array, and how many bytes it has, or -1 for a digest.
   */
  private int[] members;

  private int kept;

  private @Nullable DecimalNumber number;
  private char @Nullable [] spelling;

  private PlainJson(byte[] text, Sha256 digest) {
    this.text = text;
    this.digest = digest;
    this.out = digest.room();
    this.members = digest.places();
  }

  /**
   * Reads one text.
   *
   * @param text the text
   * @param empty a digest to work with, empty again afterwards, whose room is taken until what was
   *     read has been {@linkplain #addTo added}
   * @return what it says, or null if the text is not plain
   */
  public static @Nullable PlainJson read(byte[] text, Sha256 empty) {
    if (text.length > MAX_LENGTH) {
      return null;
    }
    PlainJson json = new PlainJson(text, empty);
    return json.isRead() ? json : null;
  }

  /**
   * Adds what the text says, as {@link JsonDigest#addTo} does.
   *
   * @param sink where to; may be the digest it was read with
   */
  public void addTo(Sha256 sink) {
    sink.raw(out, 0, length);
  }

  private boolean isRead() {
    if (!value(0)) {
      return false;
    }
    skipBlanks();
    return at == text.length;
  }

  private boolean value(int depth) {
    skipBlanks();
    return switch (peek()) {
      case '{' -> depth < MAX_DEPTH && object(depth + 1);
      case '[' -> depth < MAX_DEPTH && array(depth + 1);
      case '"' -> string();
      case 't' -> word("true", 't');
      case 'f' -> word("false", 'f');
      case 'n' -> word("null", '0');
      default -> number();
    };
  }

  private void skipBlanks() {
    while (at < text.length
        && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
      at++;
    }
  }

  /** The byte that comes next, or -1 at the end and for what is not ASCII. */
  private int peek() {
    return at < text.length ? Math.max(text[at], -1) : -1;
  }

  private int next() {
    int next = peek();
    at++;
    return next;
  }

  // ---- containers

  private boolean array(int depth) {
    put('[');
    at++;
    skipBlanks();
    if (peek() == ']') {
      at++;
      put(']');
      return true;
    }
    while (value(depth)) {
      skipBlanks();
      int end = next();
      if (end == ']') {
        put(']');
        return true;
      } else if (end != ',') {
        return false;
      }
    }
    return false;
  }

  private boolean object(int depth) {
    int first = kept;
    int begin = length;
    at++;
    skipBlanks();
    if (peek() == '}') {
      at++;
      putMembers(first, begin);
      return true;
    }
    while (peek() == '"' && kept < MAX_MEMBERS * MEMBER) {
      int from = at + 1;
      int to = endOfString();
      if (to < 0) {
        return false;
      }
      skipBlanks();
      int start = length;
      if (next() != ':' || !value(depth)) {
        return false;
      }
      keep(first, from, to, start);
      skipBlanks();
      int end = next();
      if (end == '}') {
        putMembers(first, begin);
        return true;
      } else if (end != ',') {
        return false;
      }
      skipBlanks();
    }
    return false;
  }

  /**
   * Takes a member whose value was written from a place on, in front of the first whose name comes
   * after its own.
   */
  private void keep(int first, int from, int to, int start) {
    int size = length - start;
    if (size > JsonDigest.SHORT_VALUE) {
      digest.raw(out, start, length).finishInto(out, start);
      length = start + Sha256.BYTES;
      size = -1;
    }
    if (kept == members.length) {
      members = Arrays.copyOf(members, 2 * kept);
    }
    int place = kept;
    while (place > first && isBefore(from, to, place - MEMBER)) {
      place -= MEMBER;
    }
    System.arraycopy(members, place, members, place + MEMBER, kept - place);
    members[place] = from;
    members[place + 1] = to;
    members[place + 2] = start;
    members[place + 3] = size;
    kept += MEMBER;
  }

  private boolean isBefore(int from, int to, int member) {
    return Arrays.compare(text, from, to, text, members[member], members[member + 1]) < 0;
  }

  /** Writes an object in place of the values of its members, which lie from a place on. */
  private void putMembers(int first, int begin) {
    int behind = length;
    put('{');
    putNumber((kept - first) / MEMBER);
    for (int member = first; member < kept; member += MEMBER) {
      putText(members[member], members[member + 1]);
      int size = members[member + 3];
      putNumber(size);
      int bytes = size < 0 ? Sha256.BYTES : size;
      reserve(bytes);
      System.arraycopy(out, members[member + 2], out, length, bytes);
      length += bytes;
    }
    System.arraycopy(out, behind, out, begin, length - behind);
    length -= behind - begin;
    kept = first;
  }

  // ---- scalars

  private boolean string() {
    int from = at + 1;
    int to = endOfString();
    if (to < 0) {
      return false;
    }
    put('s');
    putText(from, to);
    return true;
  }

  /** Goes behind a string; where it ends, or -1 if it is not plain. */
  private int endOfString() {
    for (int i = at + 1; i < text.length; i++) {
      byte c = text[i];
      if (c == '"') {
        at = i + 1;
        return i;
      } else if (c < ' ' || c == '\\') {
        return -1;
      }
    }
    return -1;
  }

  private boolean word(String word, char tag) {
    for (int i = 0; i < word.length(); i++) {
      if (next() != word.charAt(i)) {
        return false;
      }
    }
    put(tag);
    putNumber(0);
    return true;
  }

  /** RFC 8259, section 6. */
  private boolean number() {
    int from = at;
    if (peek() == '-') {
      at++;
    }
    int digits = at;
    if (!digits() || (text[digits] == '0' && at > digits + 1)) {
      return false;
    }
    boolean integer = true;
    if (peek() == '.') {
      integer = false;
      at++;
      if (!digits()) {
        return false;
      }
    }
    if (peek() == 'e' || peek() == 'E') {
      integer = false;
      at++;
      if (peek() == '+' || peek() == '-') {
        at++;
      }
      if (!digits()) {
        return false;
      }
    }
    if (at - from > MAX_NUMBER_LENGTH) {
      return false;
    }
    if (integer) {
      putInteger(from, digits);
    } else {
      putDecimal(from);
    }
    return true;
  }

  /** As {@link DecimalNumber} writes it: the digits without the zeros at the end, and how many. */
  private void putInteger(int from, int digits) {
    int end = at;
    while (end > digits && text[end - 1] == '0') {
      end--;
    }
    put('n');
    if (end == digits) {
      putNumber(1);
      putUnit('0'); // of either sign
      return;
    }
    int zeros = at - end;
    putNumber(end - from + (zeros < 10 ? 2 : 3));
    putUnits(from, end);
    putUnit('e');
    if (zeros >= 10) {
      putUnit('0' + zeros / 10);
    }
    putUnit('0' + zeros % 10);
  }

  private boolean digits() {
    int from = at;
    while (at < text.length && text[at] >= '0' && text[at] <= '9') {
      at++;
    }
    return at > from;
  }

  private void putDecimal(int from) {
    char[] spelled = spelling;
    DecimalNumber decimal = number;
    if (spelled == null || decimal == null) {
      spelled = new char[MAX_NUMBER_LENGTH];
      decimal = new DecimalNumber();
      spelling = spelled;
      number = decimal;
    }
    for (int i = from; i < at; i++) {
      spelled[i - from] = (char) text[i];
    }
    decimal.read(spelled, 0, at - from);
    put('n');
    putNumber(decimal.length());
    for (int i = 0; i < decimal.length(); i++) {
      putUnit(decimal.characters()[i]);
    }
  }

  // ---- what is digested, as Sha256 takes it

  private void put(char ascii) {
    reserve(1);
    out[length++] = (byte) ascii;
  }

  private void putNumber(int value) {
    reserve(Integer.BYTES);
    out[length++] = (byte) (value >>> 24);
    out[length++] = (byte) (value >>> 16);
    out[length++] = (byte) (value >>> 8);
    out[length++] = (byte) value;
  }

  /** A part of the text, with its length. */
  private void putText(int from, int to) {
    putNumber(to - from);
    putUnits(from, to);
  }

  private void putUnit(int ascii) {
    reserve(2);
    out[length++] = 0;
    out[length++] = (byte) ascii;
  }

  /** A part of the text as UTF-16. */
  private void putUnits(int from, int to) {
    reserve(2 * (to - from));
    int end = length;
    for (int i = from; i < to; i++) {
      out[end] = 0;
      out[end + 1] = text[i];
      end += 2;
    }
    length = end;
  }

  /** Makes room. */
  private void reserve(int bytes) {
    if (length + bytes > out.length) {
      out = Arrays.copyOf(out, Math.max(2 * out.length, length + bytes));
    }
  }
}
