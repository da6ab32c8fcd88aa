package io.idem.testkit.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a handler answers. Immutable. */
public final class ContractResponse {

  private final int status;
  private final List<Map.Entry<String, String>> headers;
  private final byte[] body;
  private final @Nullable String errorMessage;

  private ContractResponse(
      int status,
      List<Map.Entry<String, String>> headers,
      byte[] body,
      @Nullable String errorMessage) {
    this.status = status;
    this.headers = List.copyOf(headers);
    this.body = body.clone();
    this.errorMessage = errorMessage;
  }

  /**
   * An answer with a text.
   *
   * @param status the status
   * @param text the body, in UTF-8
   * @return of type text/plain
   */
  public static ContractResponse text(int status, String text) {
    return bytes(status, text.getBytes(StandardCharsets.UTF_8))
        .header("Content-Type", "text/plain;charset=UTF-8");
  }

  /**
   * An answer with bytes and no type.
   *
   * @param status the status
   * @param body the body
   * @return without headers
   */
  public static ContractResponse bytes(int status, byte[] body) {
    return new ContractResponse(status, List.of(), body, null);
  }

  /**
   * An answer without a body.
   *
   * @param status the status
   * @return without headers
   */
  public static ContractResponse empty(int status) {
    return bytes(status, new byte[0]);
  }

  /**
   * An error page.
   *
   * @param status the status
   * @param message of the error
   * @return an answer that the framework renders
   */
  public static ContractResponse errorPage(int status, String message) {
    return new ContractResponse(status, List.of(), new byte[0], message);
  }

  /**
   * The answer with one more header line.
   *
   * @param name of the header
   * @param value of the line
   * @return a new answer
   */
  public ContractResponse header(String name, String value) {
    List<Map.Entry<String, String>> more = new ArrayList<>(headers);
    more.add(Map.entry(name, value));
    return new ContractResponse(status, more, body, errorMessage);
  }

  /**
   * For the adapter: the status.
   *
   * @return 200 to 599
   */
  public int status() {
    return status;
  }

  /**
   * For the adapter: the header lines.
   *
   * @return name and value of each, in their order
   */
  public List<Map.Entry<String, String>> headers() {
    return headers;
  }

  /**
   * For the adapter: the body.
   *
   * @return all bytes
   */
  public byte[] body() {
    return body.clone();
  }

  /**
   * For the adapter: whether this is an error page, which is rendered by the means of the framework
   * (for a servlet, {@code sendError}), from status and message.
   *
   * @return the message, or null if it is an answer of the handler's own
   */
  public @Nullable String errorMessage() {
    return errorMessage;
  }
}
