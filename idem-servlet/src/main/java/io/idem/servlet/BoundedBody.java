package io.idem.servlet;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads bodies up to a bound. */
final class BoundedBody {

  /** Up to here room is made at once for what a request says it has; beyond, as it comes. */
  private static final int SMALL = 8_192;

  private BoundedBody() {}

  /**
   * Reads to the end.
   *
   * @param expected how many bytes there are likely to be, at most {@code maxBytes}; negative if
   *     that is not known. A filter that has undone a coding of the body makes it wrong
   * @return what was read, or null if there are more than {@code maxBytes}
   */
  static byte @Nullable [] read(InputStream in, int maxBytes, int expected) throws IOException {
    boolean small = expected >= 0 && expected <= SMALL;
    byte[] content = small ? new byte[expected] : in.readNBytes(maxBytes);
    int length = small ? in.readNBytes(content, 0, expected) : content.length;
    if (length < (small ? expected : maxBytes)) {
      return length == content.length ? content : Arrays.copyOf(content, length);
    }
    int next = in.read();
    if (next < 0) {
      return content;
    }
    if (length == maxBytes) {
      return null;
    }
    byte[] rest = in.readNBytes(maxBytes - length); // one more than there may be
    if (rest.length == maxBytes - length) {
      return null;
    }
    byte[] all = Arrays.copyOf(content, length + 1 + rest.length);
    all[length] = (byte) next;
    System.arraycopy(rest, 0, all, length + 1, rest.length);
    return all;
  }
}
