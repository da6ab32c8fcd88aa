package io.idem.http;

import io.idem.http.internal.Tokens;

/** Where in a request a text is that belongs to its key. Immutable and thread-safe. */
public sealed interface RequestValue {

  /**
   * A place as settings write it: {@code header:X-Order-Number}, {@code json:/order/number}, {@code
   * form:number} or {@code path:number}.
   *
   * @param text the kind of place, a colon and its name
   * @return the place
   * @throws IllegalArgumentException if it is none
   */
  static RequestValue parse(String text) {
    int colon = text.indexOf(':');
    String name = text.substring(colon + 1);
    return switch (colon < 0 ? "" : text.substring(0, colon)) {
      case "header" -> new Header(name);
      case "json" -> new Member(name);
      case "form" -> new Field(name);
      case "path" -> new PathVariable(name);
      default ->
          throw new IllegalArgumentException(
              "A place in a request is written header:NAME, json:/POINTER, form:NAME or path:NAME,"
                  + " found '"
                  + text
                  + "'");
    };
  }

  /**
   * Whether the body has to be read for it.
   *
   * @return true for members and form fields
   */
  default boolean isInBody() {
    return this instanceof Member || this instanceof Field;
  }

  /**
   * The place, for messages to clients.
   *
   * @return for example {@code the JSON member /order/number}
   */
  String description();

  /**
   * A header, read as a key's: a Structured Fields string, or bare.
   *
   * @param name the header's name
   */
  record Header(String name) implements RequestValue {

    /**
     * Checks the name.
     *
     * @param name the header's name
     * @throws IllegalArgumentException if it is no header name
     */
    public Header {
      if (!Tokens.isToken(name)) {
        throw new IllegalArgumentException(
            "A header has a name as in RFC 9110, section 5.1, found '" + name + "'");
      }
    }

    @Override
    public String description() {
      return "the header " + name;
    }
  }

  /**
   * A member of a JSON body that is a string or an integer; {@code 4711} and {@code "4711"} are the
   * same key.
   *
   * @param pointer the way to it through objects, as a JSON pointer (RFC 6901)
   */
  record Member(String pointer) implements RequestValue {

    /**
     * Checks the pointer.
     *
     * @param pointer the way to the member
     * @throws IllegalArgumentException if it does not begin with a slash
     */
    public Member {
      if (pointer.isEmpty() || pointer.charAt(0) != '/') {
        throw new IllegalArgumentException(
            "A JSON pointer begins with a slash (RFC 6901), found '" + pointer + "'");
      }
    }

    @Override
    public String description() {
      return "the JSON member " + pointer;
    }
  }

  /**
   * A field of an {@code application/x-www-form-urlencoded} body, or of a {@code
   * multipart/form-data} one that the server takes apart. A request that has a parameter of that
   * name in its URL is refused, because a handler could be given that one.
   *
   * @param name the field's name
   */
  record Field(String name) implements RequestValue {

    /**
     * Checks the name.
     *
     * @param name the field's name
     * @throws IllegalArgumentException if it is empty
     */
    public Field {
      requireName(name);
    }

    @Override
    public String description() {
      return "the form field " + name;
    }
  }

  /**
   * A variable of the path.
   *
   * @param name its name in the template that the endpoint is mapped to
   */
  record PathVariable(String name) implements RequestValue {

    /**
     * Checks the name.
     *
     * @param name the variable's name
     * @throws IllegalArgumentException if it is empty
     */
    public PathVariable {
      requireName(name);
    }

    @Override
    public String description() {
      return "the path variable " + name;
    }
  }

  private static void requireName(String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("A place in a request has a name");
    }
  }
}
