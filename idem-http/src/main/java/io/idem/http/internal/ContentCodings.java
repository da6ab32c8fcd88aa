package io.idem.http.internal;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/** Content codings (RFC 9110, section 8.4): which a request accepts, and how they are undone. */
public final class ContentCodings {

  private static final int STEP = 8192;

  private ContentCodings() {}

  /**
   * Whether a request accepts a coding (RFC 9110, section 12.5.3). The names {@code gzip} and
   * {@code x-gzip} are the same coding (section 8.4.1.3).
   *
   * @param acceptEncoding the lines of its Accept-Encoding; without any, every coding is acceptable
   * @param coding the coding
   * @return true if it is acceptable
   */
  public static boolean accepts(List<String> acceptEncoding, String coding) {
    if (acceptEncoding.isEmpty()) {
      return true;
    }
    String wanted = plain(coding);
    Boolean any = null;
    for (String line : acceptEncoding) {
      for (String element : line.split(",", -1)) {
        int parameters = element.indexOf(';');
        String name = plain(parameters < 0 ? element : element.substring(0, parameters));
        boolean acceptable = parameters < 0 || !isZero(element.substring(parameters + 1));
        if (name.equals(wanted)) {
          return acceptable;
        }
        if (name.equals("*")) {
          any = acceptable;
        }
      }
    }
    return any != null && any;
  }

  /**
   * Undoes a coding.
   *
   * @param body what is encoded
   * @param coding the coding
   * @param atMost the most bytes to make of it
   * @return the content; null if the coding is not known here, the body is not in it, or the
   *     content is larger
   */
  public static byte @Nullable [] decode(byte[] body, String coding, int atMost) {
    try (InputStream in = decoder(new ByteArrayInputStream(body), plain(coding))) {
      return in == null ? null : readAtMost(in, atMost);
    } catch (IOException e) {
      return null;
    }
  }

  private static @Nullable InputStream decoder(InputStream body, String coding) throws IOException {
    return switch (coding) {
      case "gzip" -> new GZIPInputStream(body);
      case "deflate" -> new InflaterInputStream(body);
      default -> null;
    };
  }

  private static byte @Nullable [] readAtMost(InputStream in, int atMost) throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    byte[] step = new byte[STEP];
    for (int read = in.read(step); read >= 0; read = in.read(step)) {
      if (content.size() + read > atMost) {
        return null;
      }
      content.write(step, 0, read);
    }
    return content.toByteArray();
  }

  private static String plain(String coding) {
    String name = coding.strip().toLowerCase(Locale.ROOT);
    return name.equals("x-gzip") ? "gzip" : name;
  }

  /** Whether a parameter is a weight of 0, with or without decimals. */
  private static boolean isZero(String parameter) {
    String weight = parameter.strip().toLowerCase(Locale.ROOT).replace(" ", "");
    return weight.startsWith("q=0") && weight.substring(3).replaceAll("[.0]", "").isEmpty();
  }
}
