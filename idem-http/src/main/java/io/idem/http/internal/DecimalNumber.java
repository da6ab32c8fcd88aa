package io.idem.http.internal;

import java.util.Arrays;

/**
 * The value of a JSON number, whatever its spelling: its sign, its digits without outer zeros, and
 * a power of ten. It is found without expanding the number, and in room that is used again for the
 * next: a text of many numbers costs no more than one. Not thread-safe.
 */
final class DecimalNumber {

  /** An exponent of more digits is larger than any int: adding one does not change its sign. */
  private static final int LONG_DIGITS = 17;

  private char[] value = new char[64];
  private int length;

  /** Reads a number as RFC 8259 writes it. */
  void read(char[] text, int from, int to) {
    length = 0;
    int start = from;
    if (text[start] == '-') {
      append('-');
      start++;
    }
    int mark = start;
    int point = -1;
    while (mark < to && text[mark] != 'e' && text[mark] != 'E') {
      if (text[mark] == '.') {
        point = mark;
      }
      mark++;
    }
    int zeros = digits(text, start, mark);
    if (zeros < 0) {
      length = 0;
      append('0'); // of either sign
      return;
    }
    append('e');
    int fraction = point < 0 ? 0 : mark - point - 1;
    exponent(text, Math.min(mark + 1, to), to, zeros - fraction);
  }

  /** The digits of {@code value}. */
  char[] characters() {
    return value;
  }

  /** How many of them count. */
  int length() {
    return length;
  }

  /** Appends the digits between the first and the last that are no zeros; how many zeros follow. */
  private int digits(char[] text, int from, int to) {
    int zeros = -1; // none but zeros so far
    for (int i = from; i < to; i++) {
      char c = text[i];
      if (c == '.') {
        continue;
      }
      if (c != '0') {
        while (zeros > 0) {
          append('0');
          zeros--;
        }
        append(c);
        zeros = 0;
      } else if (zeros >= 0) {
        zeros++;
      }
    }
    return zeros;
  }

  /** Appends a written exponent plus a small number. */
  private void exponent(char[] text, int from, int to, int plus) {
    int start = from;
    boolean negative = start < to && text[start] == '-';
    if (start < to && (text[start] == '-' || text[start] == '+')) {
      start++;
    }
    while (start < to && text[start] == '0') {
      start++;
    }
    if (to - start <= LONG_DIGITS) {
      long written = 0;
      for (int i = start; i < to; i++) {
        written = 10 * written + (text[i] - '0');
      }
      append((negative ? -written : written) + plus);
    } else {
      if (negative) {
        append('-');
      }
      wide(text, start, to, negative ? -plus : plus);
    }
  }

  private void append(long number) {
    if (number < 0) {
      append('-');
    }
    long rest = Math.abs(number);
    int at = length;
    do {
      append((char) ('0' + rest % 10));
      rest /= 10;
    } while (rest > 0);
    for (int low = at, high = length - 1; low < high; low++, high--) {
      char digit = value[low];
      value[low] = value[high];
      value[high] = digit;
    }
  }

  /** Appends a magnitude that is far larger than what is added to it, by hand. */
  private void wide(char[] text, int from, int to, int plus) {
    int at = length;
    append('0'); // for a carry
    for (int i = from; i < to; i++) {
      append(text[i]);
    }
    int carry = plus;
    for (int i = length - 1; carry != 0; i--) {
      int sum = value[i] - '0' + carry;
      value[i] = (char) ('0' + Math.floorMod(sum, 10));
      carry = Math.floorDiv(sum, 10);
    }
    int zeros = at;
    while (value[zeros] == '0') {
      zeros++;
    }
    System.arraycopy(value, zeros, value, at, length - zeros);
    length -= zeros - at;
  }

  private void append(char c) {
    if (length == value.length) {
      value = Arrays.copyOf(value, 2 * length);
    }
    value[length++] = c;
  }
}
