package io.idem.http;

import io.idem.http.internal.PathText;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a request says before its body is read. Asked only by the thread that carries the request,
 * so it need not be thread-safe.
 */
public interface HttpRequestHead {

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
   * The query before the server sent the request on to another path. Servers that do give the
   * handler there the parameters of both queries, before those of a form (Servlet 6.1, section
   * 9.1.1).
   *
   * @return the query as it was sent, or null if the request was not sent on or had none
   */
  default @Nullable String originalQuery() {
    return null;
  }

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
   * What identifies the path where it belongs to a key's identity ({@link PathScope#SEPARATE}).
   * Whatever the server takes for one path has one text here: a retry that spells it in another way
   * has to meet the record of the first attempt.
   *
   * @return by default the path without path parameters, dot segments and empty segments, its
   *     percent-encoding undone (RFC 3986, section 6.2.2)
   */
  default String resource() {
    return PathText.canonical(path());
  }

  /**
   * A variable of the path, where the endpoint is mapped to a template such as {@code
   * /orders/{number}}.
   *
   * @param name the variable's name
   * @return its value, decoded, or null if there is no such variable
   */
  default @Nullable String pathVariable(String name) {
    return null;
  }

  /**
   * The path below which the application is found at this server.
   *
   * @return empty, or a path that begins and does not end with a slash
   */
  default String contextPath() {
    return "";
  }
}
