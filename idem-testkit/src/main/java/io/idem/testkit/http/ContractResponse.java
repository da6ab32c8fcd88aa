package io.idem.testkit.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a handler answers. Immutable. */
public final class ContractResponse {

  /** The rest of a body that the handler makes while it answers. */
  @FunctionalInterface
  public interface Rest {

    /**
     * Makes the rest. It may wait, so it is not to be called on a thread that must not.
     *
     * @return what is sent after what has been sent already
     * @throws Exception if it fails
     */
    byte[] get() throws Exception;
  }

  private final int status;
  private final List<Map.Entry<String, String>> headers;
  private final byte[] body;
  private final @Nullable Rest rest;
  private final @Nullable String errorMessage;

  private ContractResponse(
      int status,
      List<Map.Entry<String, String>> headers,
      byte[] body,
      @Nullable Rest rest,
      @Nullable String errorMessage) {
    this.status = status;
    this.headers = List.copyOf(headers);
    this.body = body.clone();
    this.rest = rest;
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
    return new ContractResponse(status, List.of(), body, null, null);
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
   * An answer that is sent in two parts.
   *
   * @param status the status
   * @param start of the body: the handler writes it and flushes it out
   * @param rest of the body: the handler asks for it after that
   * @return without headers
   */
  public static ContractResponse streamed(int status, byte[] start, Rest rest) {
    return new ContractResponse(status, List.of(), start, rest, null);
  }

  /**
   * An error page.
   *
   * @param status the status
   * @param message of the error
   * @return an answer that the framework renders
   */
  public static ContractResponse errorPage(int status, String message) {
    return new ContractResponse(status, List.of(), new byte[0], null, message);
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
    return new ContractResponse(status, more, body, rest, errorMessage);
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
   * @return all bytes, or those before the {@link #rest()}
   */
  public byte[] body() {
    return body.clone();
  }

  /**
   * For the adapter: what follows the {@link #body()} once that has been written and flushed.
   *
   * @return the rest, or null if there is none
   */
  public @Nullable Rest rest() {
    return rest;
  }

  /**
   * For the adapter: whether this is an error page, which is rendered by the means of the framework
   * (for a servlet, {@code sendError}), from status and message. The page that the application
   * renders is another each time, as one is that tells the time of the error.
   *
   * @return the message, or null if it is an answer of the handler's own
   */
  public @Nullable String errorMessage() {
    return errorMessage;
  }
}
