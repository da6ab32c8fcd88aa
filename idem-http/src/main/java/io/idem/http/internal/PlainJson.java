package io.idem.http.internal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The digest that {@link JsonDigest} gives, of a text that is short and plain: ASCII without
 * escapes, not deep, with few members. That is what most bodies are, and without a parser it costs
 * them a fraction.
 *
 * <p>What is not plain, or no JSON text, is left to {@link JsonDigest}: nothing is decided here that
 * would have to be decided twice. Each value is written into one array, in which a member's lies
 * behind those that are open around it until its digest takes its place.
 */
final class PlainJson {

  private static final int MAX_LENGTH = 8_192;
  private static final int MAX_DEPTH = 32;
  private static final int MAX_MEMBERS = 64;
  private static final int MAX_NUMBER_LENGTH = 64;

  private final byte[] text;
  private final Sha256 digest;
  private int at;

  private byte[] out = new byte[256];
  private int length;

  /** The members of all open objects: where their names are, their digests, and their order. */
  private int[] nameFrom = new int[8];

  private int[] nameTo = new int[8];
  private int[] order = new int[8];
  private byte[] digests = new byte[8 * Sha256.BYTES];
  private int kept;

  private @Nullable DecimalNumber number;
  private char @Nullable [] spelling;

  private PlainJson(byte[] text, Sha256 digest) {
    this.text = text;
    this.digest = digest;
  }

  /**
   * Digests one text.
   *
   * @param empty a digest to work with, empty again afterwards
   * @return the digest, or null if the text is not plain
   */
  static byte @Nullable [] digest(byte[] text, Sha256 empty) {
    return text.length > MAX_LENGTH ? null : new PlainJson(text, empty).read();
  }

  private byte @Nullable [] read() {
    if (!value(0)) {
      return null;
    }
    skipBlanks();
    return at == text.length ? digest.raw(out, 0, length).finish() : null;
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
    at++;
    skipBlanks();
    if (peek() == '}') {
      at++;
      putMembers(first);
      return true;
    }
    while (peek() == '"' && kept < MAX_MEMBERS) {
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
        putMembers(first);
        return true;
      } else if (end != ',') {
        return false;
      }
      skipBlanks();
    }
    return false;
  }

  /** Takes a member whose value was written from a place on, behind those of the same name. */
  private void keep(int first, int from, int to, int start) {
    if (kept == order.length) {
      nameFrom = Arrays.copyOf(nameFrom, 2 * kept);
      nameTo = Arrays.copyOf(nameTo, 2 * kept);
      order = Arrays.copyOf(order, 2 * kept);
      digests = Arrays.copyOf(digests, 2 * kept * Sha256.BYTES);
    }
    digest.raw(out, start, length).finishInto(digests, kept * Sha256.BYTES);
    length = start;
    nameFrom[kept] = from;
    nameTo[kept] = to;
    int place = kept;
    while (place > first && isBefore(from, to, order[place - 1])) {
      order[place] = order[place - 1];
      place--;
    }
    order[place] = kept++;
  }

  private boolean isBefore(int from, int to, int member) {
    return Arrays.compare(text, from, to, text, nameFrom[member], nameTo[member]) < 0;
  }

  private void putMembers(int first) {
    put('{');
    putNumber(kept - first);
    for (int i = first; i < kept; i++) {
      int member = order[i];
      putText(nameFrom[member], nameTo[member]);
      putNumber(Sha256.BYTES);
      reserve(Sha256.BYTES);
      System.arraycopy(digests, member * Sha256.BYTES, out, length, Sha256.BYTES);
      length += Sha256.BYTES;
    }
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
    int integer = at;
    if (!digits() || (text[integer] == '0' && at > integer + 1)) {
      return false;
    }
    if (peek() == '.') {
      at++;
      if (!digits()) {
        return false;
      }
    }
    if (peek() == 'e' || peek() == 'E') {
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
    putDecimal(from);
    return true;
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
    reserve(2 * decimal.length());
    for (int i = 0; i < decimal.length(); i++) {
      out[length + 1] = (byte) decimal.characters()[i];
      out[length] = 0;
      length += 2;
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

  /** A part of the text, with its length, as UTF-16. */
  private void putText(int from, int to) {
    putNumber(to - from);
    reserve(2 * (to - from));
    int end = length;
    for (int i = from; i < to; i++) {
      out[end] = 0;
      out[end + 1] = text[i];
      end += 2;
    }
    length = end;
  }

  /** Makes room. What was written before and taken back may lie there. */
  private void reserve(int bytes) {
    if (length + bytes > out.length) {
      out = Arrays.copyOf(out, Math.max(2 * out.length, length + bytes));
    }
  }
}
