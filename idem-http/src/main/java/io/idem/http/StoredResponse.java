package io.idem.http;

import java.util.Arrays;
import java.util.List;

/** A response as it is kept and replayed. Immutable, as long as nobody changes the body. */
public final class StoredResponse {

  private final int status;
  private final List<HeaderField> headers;
  private final byte[] body;

  /**
   * A response.
   *
   * @param status the status, 200 to 999
   * @param headers the header lines, in their order
   * @param body the body; not copied, so the caller gives it away
   * @throws IllegalArgumentException if the status is none of a final response
   */
  public StoredResponse(int status, List<HeaderField> headers, byte[] body) {
    if (status < 200 || status > 999) {
      throw new IllegalArgumentException(
          "The status of a final response is 200 to 999, found " + status);
    }
    this.status = status;
    this.headers = List.copyOf(headers);
    this.body = body;
  }

  /**
   * The status.
   *
   * @return 200 to 999
   */
  public int status() {
    return status;
  }

  /**
   * The header lines.
   *
   * @return the lines, in their order
   */
  public List<HeaderField> headers() {
    return headers;
  }

  /**
   * The body.
   *
   * @return a view that must not be changed
   */
  public byte[] body() {
    return body;
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
