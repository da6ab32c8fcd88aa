package io.idem.client;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/** Undoes the codings of bodies that the JDK knows. */
final class ContentCodings {

  private ContentCodings() {}

  /** Whether a body is said to have a coding. */
  static boolean isCoded(@Nullable String contentEncoding) {
    return contentEncoding != null && !named(contentEncoding).equals("identity");
  }

  /**
   * Decodes a body.
   *
   * @param body the body, or the beginning of it
   * @param contentEncoding the header; null if there is none
   * @param most how many bytes are decoded at most: a few may become any number
   * @return the beginning of the content, as far as it can be decoded. The body itself, if its
   *     coding is not known, or it has none: some clients decode a body and leave the header
   */
  static byte[] decoded(byte[] body, @Nullable String contentEncoding, int most) {
    if (contentEncoding == null || body.length < 2) {
      return body;
    }
    int first = body[0] & 0xff;
    int second = body[1] & 0xff;
    return switch (named(contentEncoding)) {
      case "gzip", "x-gzip" ->
          first == 0x1f && second == 0x8b
              ? read(new ByteArrayInputStream(body), Members::new, most)
              : body;
      case "deflate" -> {
        // By RFC 9110 it has zlib's header; not every server sends it.
        boolean zlib = (first & 0x0f) == 8 && ((first << 8) + second) % 31 == 0;
        yield zlib || !beginsAsJson(first) ? inflated(body, !zlib, most) : body;
      }
      default -> body;
    };
  }

  private static String named(String contentEncoding) {
    return contentEncoding.strip().toLowerCase(Locale.ROOT);
  }

  private static boolean beginsAsJson(int first) {
    return first == '{' || first == ' ' || first == '\t' || first == '\r' || first == '\n';
  }

  private static byte[] inflated(byte[] body, boolean raw, int most) {
    Inflater inflater = new Inflater(raw);
    try {
      return read(
          new ByteArrayInputStream(body), in -> new InflaterInputStream(in, inflater), most);
    } finally {
      inflater.end();
    }
  }

  /** The JDK passes over members without content by recursion, as many as there are. */
  private static final class Members extends GZIPInputStream {

    private static final int MOST_EMPTY = 32;

    private int empty;

    Members(InputStream coded) throws IOException {
      super(coded);
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (empty > MOST_EMPTY) {
        throw new IOException("More than " + MOST_EMPTY + " members without content");
      }
      empty++;
      try {
        return super.read(into, offset, length);
      } finally {
        empty--;
      }
    }
  }

  private interface Decoder {
    InputStream of(InputStream coded) throws IOException;
  }

  private static byte[] read(InputStream coded, Decoder decoder, int most) {
    byte[] content = new byte[most];
    int length = 0;
    try (InputStream in = decoder.of(coded)) {
      int read = in.read(content, 0, most);
      while (read > 0) {
        length += read;
        read = in.read(content, length, most - length);
      }
    } catch (IOException e) {
      // What came before it broke off may be enough.
    }
    return Arrays.copyOf(content, length);
  }
}
