package io.idem.http;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request as an adapter sees it. Everything is asked for at most once and only when needed, on
 * the caller's thread: a body is not read for a request that is refused before.
 */
public interface HttpExchange {

  /**
   * The method.
   *
   * @return the method, in its own case
   */
  String method();

  /**
   * The path.
   *
   * @return the path, as it was sent
   */
  String path();

  /**
   * The query.
   *
   * @return the query without its question mark, as it was sent, or null if there is none
   */
  @Nullable String query();

  /**
   * The lines of a header.
   *
   * @param name the header's name, in any case
   * @return the value of each line, in their order; empty if the header is absent
   */
  List<String> headerLines(String name);

  /**
   * Who sends the request: the principal, not the credential, so that a refreshed token is the same
   * caller.
   *
   * @return the caller, or null if it is not known
   */
  @Nullable String caller();

  /**
   * Reads the body, in such a way that the handler still can.
   *
   * @param maxBytes the most bytes to read
   * @return the body, or {@link RequestBody.TooLarge}
   * @throws IOException if it cannot be read, for example because the client hung up
   */
  RequestBody body(int maxBytes) throws IOException;
}
