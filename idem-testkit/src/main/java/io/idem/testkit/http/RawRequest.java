package io.idem.testkit.http;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * An HTTP/1.1 request, down to its bytes: a header may stand in several lines, or hold what no
 * client library lets pass. Immutable.
 */
public final class RawRequest {

  private final String method;
  private final String target;
  private final List<String> headerLines;
  private final byte[] body;
  private final int chunk;

  private RawRequest(
      String method, String target, List<String> headerLines, byte[] body, int chunk) {
    this.method = method;
    this.target = target;
    this.headerLines = List.copyOf(headerLines);
    this.body = body;
    this.chunk = chunk;
  }

  /**
   * A request without headers or body.
   *
   * @param method the method
   * @param target path and query, as they are sent
   * @return the request
   */
  public static RawRequest of(String method, String target) {
    return new RawRequest(method, target, List.of(), new byte[0], 0);
  }

  /**
   * The request with one more header line.
   *
   * @param name of the header
   * @param value of the line; each character is sent as one byte
   * @return a new request
   */
  public RawRequest header(String name, String value) {
    List<String> lines = new ArrayList<>(headerLines);
    lines.add(name + ": " + value);
    return new RawRequest(method, target, lines, body, chunk);
  }

  /**
   * The request without a header.
   *
   * @param name of the header, in any case
   * @return a new request
   */
  public RawRequest without(String name) {
    String start = name.toLowerCase(Locale.ROOT) + ":";
    List<String> lines =
        headerLines.stream()
            .filter(line -> !line.toLowerCase(Locale.ROOT).startsWith(start))
            .toList();
    return new RawRequest(method, target, lines, body, chunk);
  }

  /**
   * The request with one line of a header instead of those it has.
   *
   * @param name of the header
   * @param value of the line
   * @return a new request
   */
  public RawRequest with(String name, String value) {
    return without(name).header(name, value);
  }

  /**
   * The request at another place.
   *
   * @param other path and query
   * @return a new request
   */
  public RawRequest at(String other) {
    return new RawRequest(method, other, headerLines, body, chunk);
  }

  /** The request at the same place of an application that has a context path. */
  RawRequest under(String contextPath) {
    return at(contextPath + target);
  }

  /**
   * The request with a body.
   *
   * @param content the body
   * @return a new request
   */
  public RawRequest body(byte[] content) {
    return new RawRequest(method, target, headerLines, content, chunk);
  }

  /**
   * The request with a body of a type.
   *
   * @param type the media type
   * @param content the body, in UTF-8
   * @return a new request
   */
  public RawRequest body(String type, String content) {
    return with("Content-Type", type).body(content.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The request with its body sent in chunks, and so without its length.
   *
   * @param bytes of each chunk, at least 1
   * @return a new request
   */
  public RawRequest chunked(int bytes) {
    return new RawRequest(method, target, headerLines, body, bytes);
  }

  /**
   * What is sent.
   *
   * @return head and body
   */
  public byte[] toBytes() {
    StringBuilder head = new StringBuilder();
    head.append(method).append(' ').append(target).append(" HTTP/1.1\r\n");
    head.append("Host: localhost\r\nConnection: close\r\n");
    headerLines.forEach(line -> head.append(line).append("\r\n"));
    head.append(chunk > 0 ? "Transfer-Encoding: chunked" : "Content-Length: " + body.length);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(head.append("\r\n\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    if (chunk == 0) {
      bytes.writeBytes(body);
      return bytes.toByteArray();
    }
    for (int at = 0; at < body.length; at += chunk) {
      int length = Math.min(chunk, body.length - at);
      bytes.writeBytes(ascii(Integer.toHexString(length) + "\r\n"));
      bytes.write(body, at, length);
      bytes.writeBytes(ascii("\r\n"));
    }
    bytes.writeBytes(ascii("0\r\n\r\n"));
    return bytes.toByteArray();
  }

  boolean hasAnswerWithBody() {
    return !method.equals("HEAD");
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** The method and where it is sent; headers and body may be secret. */
  @Override
  public String toString() {
    return method + " " + target;
  }
}
