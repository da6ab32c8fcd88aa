package io.idem.testkit.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a handler answers.
 *
 * @param status the status
 * @param headers name and value of each line
 * @param body the body
 * @param errorMessage not null for an error page: the adapter has it rendered by the means of its
 *     framework (for a servlet, {@code sendError}), from status and message
 */
public record ContractResponse(
    int status,
    List<Map.Entry<String, String>> headers,
    byte[] body,
    @Nullable String errorMessage) {

  /** Copies the lines. */
  public ContractResponse {
    headers = List.copyOf(headers);
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
}
