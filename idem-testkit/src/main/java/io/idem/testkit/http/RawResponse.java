package io.idem.testkit.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An HTTP/1.1 response as it came. Immutable. */
public final class RawResponse {

  private final int status;
  private final List<Map.Entry<String, String>> headers;
  private final byte[] body;

  private RawResponse(int status, List<Map.Entry<String, String>> headers, byte[] body) {
    this.status = status;
    this.headers = List.copyOf(headers);
    this.body = body;
  }

  /**
   * The status.
   *
   * @return 200 to 599
   */
  public int status() {
    return status;
  }

  /**
   * All header lines.
   *
   * @return name and value of each, in their order
   */
  public List<Map.Entry<String, String>> headers() {
    return headers;
  }

  /**
   * The body.
   *
   * @return its bytes, out of its chunks but with its content coding
   */
  public byte[] body() {
    return body.clone();
  }

  /**
   * The lines of a header.
   *
   * @param name of the header, in any case
   * @return the value of each line, in their order
   */
  public List<String> header(String name) {
    return headers.stream()
        .filter(line -> line.getKey().equalsIgnoreCase(name))
        .map(Map.Entry::getValue)
        .toList();
  }

  /**
   * The body as text.
   *
   * @return the body, read as UTF-8
   */
  public String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  /** What a failed assertion needs: status, headers and body. */
  @Override
  public String toString() {
    return status + " " + headers + " " + text();
  }

  /**
   * Reads a response; interim ones are passed over.
   *
   * @param in where it comes from
   * @param hasBody false if the request was a {@code HEAD}
   * @return the response
   * @throws EOFException if the connection ends before it does
   * @throws IOException if it cannot be read
   */
  static RawResponse read(InputStream in, boolean hasBody) throws IOException {
    int status;
    List<Map.Entry<String, String>> headers;
    do {
      String[] statusLine = line(in).split(" ", 3);
      status = Integer.parseInt(statusLine[1]);
      headers = new ArrayList<>();
      for (String line = line(in); !line.isEmpty(); line = line(in)) {
        int colon = line.indexOf(':');
        headers.add(Map.entry(line.substring(0, colon), line.substring(colon + 1).trim()));
      }
    } while (status < 200);
    RawResponse head = new RawResponse(status, headers, new byte[0]);
    if (!hasBody || status == 204 || status == 304) {
      return head;
    }
    byte[] body;
    if (head.header("Transfer-Encoding").contains("chunked")) {
      body = chunks(in);
    } else if (!head.header("Content-Length").isEmpty()) {
      body = exactly(in, Integer.parseInt(head.header("Content-Length").get(0)));
    } else {
      body = in.readAllBytes();
    }
    return new RawResponse(status, headers, body);
  }

  private static byte[] chunks(InputStream in) throws IOException {
    java.io.ByteArrayOutputStream body = new java.io.ByteArrayOutputStream();
    while (true) {
      int length = Integer.parseInt(line(in).split(";", 2)[0].trim(), 16);
      body.writeBytes(exactly(in, length));
      line(in);
      if (length == 0) {
        return body.toByteArray();
      }
    }
  }

  private static byte[] exactly(InputStream in, int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("The response ends in its body");
    }
    return bytes;
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("The response ends in its head");
      }
      if (b != '\r') {
        line.append((char) b);
      }
    }
    return line.toString();
  }
}
