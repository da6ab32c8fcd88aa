package io.idem.http;

import java.util.Arrays;
import java.util.List;

/**
 * A response as it is kept and replayed.
 *
 * @param status the status, 200 to 599
 * @param headers the header lines, in their order
 * @param body the body; not to be changed
 */
public record StoredResponse(int status, List<HeaderField> headers, byte[] body) {

  /**
   * Checks the status and copies the list.
   *
   * @throws IllegalArgumentException if the status is none of a final response
   */
  public StoredResponse {
    if (status < 200 || status > 599) {
      throw new IllegalArgumentException(
          "The status of a final response is 200 to 599, found " + status);
    }
    headers = List.copyOf(headers);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StoredResponse that
        && status == that.status
        && headers.equals(that.headers)
        && Arrays.equals(body, that.body);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * status + headers.hashCode()) + Arrays.hashCode(body);
  }

  /** The status and the size, never the content. */
  @Override
  public String toString() {
    return "StoredResponse[" + status + ", " + body.length + " bytes]";
  }
}
