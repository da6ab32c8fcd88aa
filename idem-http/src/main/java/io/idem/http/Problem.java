package io.idem.http;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A refusal as problem details (RFC 9457). It holds nothing of the key or the body.
 *
 * @param type the cause
 * @param typeUri the URI reference of the cause, which resolves to its documentation
 * @param status the status, usually the cause's own
 * @param title the summary of the cause
 * @param detail what to do about this occurrence
 * @param retryAfter when to try again, if that is known
 */
public record Problem(
    ProblemType type,
    String typeUri,
    int status,
    String title,
    String detail,
    @Nullable Duration retryAfter) {

  /** The media type of {@link #toJson()}. */
  public static final String MEDIA_TYPE = "application/problem+json";

  private static final JsonFactory JSON = new JsonFactory();

  /** The same with another URI of the type. */
  Problem at(String typeUri) {
    return new Problem(type, typeUri, status, title, detail, retryAfter);
  }

  /** The same with its title in another language. */
  Problem titled(String title) {
    return new Problem(type, typeUri, status, title, detail, retryAfter);
  }

  /**
   * The headers to send it with.
   *
   * @return Content-Type, Cache-Control, and Retry-After where the time is known, in whole seconds,
   *     rounded up, at least 1
   */
  public List<HeaderField> headers() {
    List<HeaderField> headers = new ArrayList<>();
    headers.add(new HeaderField("Content-Type", MEDIA_TYPE));
    headers.add(new HeaderField("Cache-Control", "no-store"));
    if (retryAfter != null) {
      long roundedUp = retryAfter.getSeconds() + (retryAfter.getNano() > 0 ? 1 : 0);
      headers.add(new HeaderField("Retry-After", Long.toString(Math.max(1, roundedUp))));
    }
    return List.copyOf(headers);
  }

  /**
   * The body to send it with.
   *
   * @return a JSON object in UTF-8 with the members type, title, status, detail and retryable
   */
  public byte[] toJson() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
      json.writeStartObject();
      json.writeStringProperty("type", typeUri);
      json.writeStringProperty("title", title);
      json.writeNumberProperty("status", status);
      json.writeStringProperty("detail", detail);
      json.writeBooleanProperty("retryable", type.retryable());
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }
}
