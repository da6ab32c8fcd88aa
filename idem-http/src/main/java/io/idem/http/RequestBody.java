package io.idem.http;

import io.idem.http.internal.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The body of a request, in the form in which an adapter can see it without taking it away. */
public sealed interface RequestBody {

  /** A body read whole. */
  final class Bytes implements RequestBody {

    private final byte[] content;

    /**
     * A body.
     *
     * @param content the body, empty if there is none; not copied, so the caller gives it away
     */
    public Bytes(byte[] content) {
      this.content = content;
    }

    /**
     * The body.
     *
     * @return a view that must not be changed
     */
    public byte[] content() {
      return content;
    }
  }

  /**
   * The fields of a body, of the parameters that a server has put together of query and body, the
   * query's first (Servlet 6.1, section 3.1).
   *
   * @param parameters the values of each name, in their order
   * @param query the query as it was sent, or null if there is none; one that cannot be read takes
   *     nothing away
   * @return what is left of the parameters without those of the query
   */
  static Map<String, List<String>> withoutQuery(
      Map<String, List<String>> parameters, @Nullable String query) {
    Map<String, List<String>> inQuery = QueryFields.of(query);
    if (inQuery == null || inQuery.isEmpty()) {
      return parameters;
    }
    Map<String, List<String>> fields = new LinkedHashMap<>();
    parameters.forEach(
        (name, values) -> {
          int before = inQuery.getOrDefault(name, List.of()).size();
          if (before < values.size()) {
            fields.put(name, values.subList(before, values.size()));
          }
        });
    return fields;
  }

  /**
   * A form that something else has read before.
   *
   * @param fields the values of each name, in their order; nothing of the query
   */
  record Form(Map<String, List<String>> fields) implements RequestBody {}

  /**
   * A multipart body that something else has taken apart.
   *
   * @param parts the parts, in their order
   * @param fields the values of each part that is a text and not a file, in their order
   */
  record Multipart(List<Part> parts, Map<String, List<String>> fields) implements RequestBody {

    /**
     * A body without fields that anybody asks for.
     *
     * @param parts the parts, in their order
     */
    public Multipart(List<Part> parts) {
      this(parts, Map.of());
    }
  }

  /** A body larger than the endpoint admits. */
  record TooLarge() implements RequestBody {}

  /** A body that came to its end and is not of the form that its media type says. */
  record Malformed() implements RequestBody {}

  /**
   * One part of a multipart body.
   *
   * @param name its name
   * @param fileName its file name, if it has one
   * @param contentType its media type, if it has one
   * @param digest the SHA-256 digest of its content, in hexadecimal
   */
  record Part(String name, @Nullable String fileName, @Nullable String contentType, String digest) {

    private static final int CHUNK = 8192;

    /**
     * Digests a part.
     *
     * @param name its name
     * @param fileName its file name, if it has one
     * @param contentType its media type, if it has one
     * @param content its content, read to the end and left open
     * @return the part
     * @throws IOException if the content cannot be read
     */
    public static Part of(
        String name, @Nullable String fileName, @Nullable String contentType, InputStream content)
        throws IOException {
      Sha256 digest = new Sha256();
      byte[] chunk = new byte[CHUNK];
      for (int read = content.read(chunk); read >= 0; read = content.read(chunk)) {
        digest.raw(chunk, 0, read);
      }
      return new Part(name, fileName, contentType, HexFormat.of().formatHex(digest.finish()));
    }
  }

  /**
   * Turns each kind of body into one thing.
   *
   * @param bytes for {@link Bytes}
   * @param form for {@link Form}
   * @param multipart for {@link Multipart}
   * @param refused for {@link TooLarge} and {@link Malformed}
   * @param <R> what they become
   * @return what the function of this body's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Bytes, R> bytes,
      Function<Form, R> form,
      Function<Multipart, R> multipart,
      Function<RequestBody, R> refused) {
    if (this instanceof Bytes body) {
      return bytes.apply(body);
    } else if (this instanceof Form body) {
      return form.apply(body);
    } else if (this instanceof Multipart body) {
      return multipart.apply(body);
    } else {
      return refused.apply(this);
    }
  }
}
