package io.idem.client;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What is looked at in a problem (RFC 9457).
 *
 * @param type where it is a text
 * @param detail where it is a text
 * @param retryable Idem's extension member, where it is a boolean
 */
record ProblemMembers(@Nullable String type, @Nullable String detail, @Nullable Boolean retryable) {

  static final ProblemMembers NONE = new ProblemMembers(null, null, null);

  private static final JsonFactory JSON = new JsonFactory();

  /** The members of an object; none of other JSON, and null for what is no JSON or breaks off. */
  static @Nullable ProblemMembers read(byte[] body) {
    String type = null;
    String detail = null;
    Boolean retryable = null;
    try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), body)) {
      JsonToken first = json.nextToken();
      if (first != JsonToken.START_OBJECT) {
        json.skipChildren();
        return first != null && json.nextToken() == null ? NONE : null;
      }
      while (json.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = json.currentName();
        JsonToken value = json.nextToken();
        if (value == JsonToken.VALUE_STRING && name.equals("type")) {
          type = json.getString();
        } else if (value == JsonToken.VALUE_STRING && name.equals("detail")) {
          detail = json.getString();
        } else if (value.isBoolean() && name.equals("retryable")) {
          retryable = json.getBooleanValue();
        } else {
          json.skipChildren();
        }
      }
      return new ProblemMembers(type, detail, retryable);
    } catch (JacksonException e) {
      return null;
    }
  }
}
