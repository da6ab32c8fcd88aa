package io.idem.http;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a JSON text says, read by RFC 8259 in the plainest way and with no bound on what it costs:
 * the measure of what is read frugally elsewhere.
 */
final class JsonModel {

  /** Near a bound of the digest, which is not a rule of JSON, the model does not say anything. */
  static final class Undecided extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private record Word(String word) {}

  private record Decimal(boolean negative, BigInteger digits, BigInteger exponent) {}

  private static final class Malformed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static final int SAFE_DEPTH = 400;
  private static final int SAFE_NUMBER = 900;

  private final String text;
  private int at;

  private JsonModel(String text) {
    this.text = text;
  }

  /** Values that are equal where two texts say the same, or nothing for what is no JSON text. */
  static Optional<Object> read(byte[] json) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
      JsonModel model = new JsonModel(text);
      Object value = model.value(0);
      model.blanks();
      return model.at == text.length() ? Optional.of(value) : Optional.empty();
    } catch (CharacterCodingException | Malformed e) {
      return Optional.empty();
    }
  }

  private Object value(int depth) {
    if (depth > SAFE_DEPTH) {
      throw new Undecided();
    }
    blanks();
    char first = peek();
    if (first == '{') {
      return object(depth);
    } else if (first == '[') {
      return array(depth);
    } else if (first == '"') {
      return string();
    } else if (first == '-' || isDigit(first)) {
      return number();
    }
    for (String word : List.of("true", "false", "null")) {
      if (text.startsWith(word, at)) {
        at += word.length();
        return new Word(word);
      }
    }
    throw new Malformed();
  }

  private Map<String, List<Object>> object(int depth) {
    Map<String, List<Object>> members = new HashMap<>();
    at++;
    blanks();
    if (take('}')) {
      return members;
    }
    do {
      blanks();
      if (peek() != '"') {
        throw new Malformed();
      }
      String name = string();
      blanks();
      need(':');
      members.computeIfAbsent(name, unused -> new ArrayList<>()).add(value(depth + 1));
      blanks();
    } while (take(','));
    need('}');
    return members;
  }

  private List<Object> array(int depth) {
    List<Object> elements = new ArrayList<>();
    at++;
    blanks();
    if (take(']')) {
      return elements;
    }
    do {
      elements.add(value(depth + 1));
      blanks();
    } while (take(','));
    need(']');
    return elements;
  }

  private String string() {
    StringBuilder decoded = new StringBuilder();
    at++;
    while (!take('"')) {
      char c = peek();
      at++;
      if (c < ' ') {
        throw new Malformed();
      } else if (c != '\\') {
        decoded.append(c);
      } else {
        char escape = peek();
        at++;
        int simple = "\"\\/bfnrt".indexOf(escape);
        if (simple >= 0) {
          decoded.append("\"\\/\b\f\n\r\t".charAt(simple));
        } else if (escape == 'u') {
          int unit = 0;
          for (int i = 0; i < 4; i++) {
            int digit = peek() < 128 ? Character.digit(peek(), 16) : -1;
            if (digit < 0) {
              throw new Malformed();
            }
            unit = unit << 4 | digit;
            at++;
          }
          decoded.append((char) unit);
        } else {
          throw new Malformed();
        }
      }
    }
    return decoded.toString();
  }

  private Decimal number() {
    int start = at;
    boolean negative = take('-');
    String whole = digits();
    if (whole.length() > 1 && whole.startsWith("0")) {
      throw new Malformed();
    }
    String fraction = take('.') ? digits() : "";
    BigInteger exponent = BigInteger.ZERO;
    if (take('e') || take('E')) {
      boolean down = take('-');
      if (!down) {
        take('+');
      }
      exponent = new BigInteger(digits());
      exponent = down ? exponent.negate() : exponent;
    }
    if (at - start > SAFE_NUMBER) {
      throw new Undecided();
    }
    BigInteger value = new BigInteger(whole + fraction);
    if (value.signum() == 0) {
      return new Decimal(false, value, value);
    }
    exponent = exponent.subtract(BigInteger.valueOf(fraction.length()));
    while (value.mod(BigInteger.TEN).signum() == 0) {
      value = value.divide(BigInteger.TEN);
      exponent = exponent.add(BigInteger.ONE);
    }
    return new Decimal(negative, value, exponent);
  }

  private String digits() {
    int start = at;
    while (isDigit(peekOrEnd())) {
      at++;
    }
    if (at == start) {
      throw new Malformed();
    }
    return text.substring(start, at);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private void blanks() {
    while (" \t\r\n".indexOf(peekOrEnd()) >= 0) {
      at++;
    }
  }

  /** The end of the text is told as a character that JSON has no use for. */
  private char peekOrEnd() {
    return at < text.length() ? text.charAt(at) : '\0';
  }

  private char peek() {
    if (at == text.length()) {
      throw new Malformed();
    }
    return text.charAt(at);
  }

  private boolean take(char c) {
    boolean there = at < text.length() && text.charAt(at) == c;
    at += there ? 1 : 0;
    return there;
  }

  private void need(char c) {
    if (!take(c)) {
      throw new Malformed();
    }
  }
}
