package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.Fingerprint;
import io.idem.http.internal.FormFields;
import io.idem.http.internal.JsonValue;
import io.idem.http.internal.MediaType;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads what stands at a place of a request, and says what is wrong with it. */
final class PlaceReader {

  private PlaceReader() {}

  /**
   * Reads a text of 1 to {@code maxLength} characters.
   *
   * @param body the body, or null as long as it is not read
   * @return the text, that there is none, or what is wrong with it
   */
  static KeySyntax.Result read(
      RequestValue place, int maxLength, HttpRequestHead request, @Nullable RequestBody body) {
    if (place instanceof RequestValue.Header header) {
      String name = header.name();
      return new KeySyntax(name, maxLength, false).parse(request.headerLines(name));
    } else if (place instanceof RequestValue.PathVariable variable) {
      String value = request.pathVariable(variable.name());
      return value == null ? new KeySyntax.Missing() : checked(place, value, maxLength);
    } else if (body == null) {
      throw new IllegalStateException("The body has to be read for " + place.description());
    } else if (place instanceof RequestValue.Member member) {
      return member(member, maxLength, request, body);
    }
    return field((RequestValue.Field) place, maxLength, request, body);
  }

  private static KeySyntax.Result member(
      RequestValue.Member member, int maxLength, HttpRequestHead request, RequestBody body) {
    if (!(body instanceof RequestBody.Bytes bytes) || !mediaType(request).isJson()) {
      return new KeySyntax.Missing();
    }
    JsonValue found = JsonValue.at(bytes.content(), member.pointer());
    if (found instanceof JsonValue.Text text) {
      return checked(member, text.text(), maxLength);
    } else if (found instanceof JsonValue.Absent) {
      return new KeySyntax.Missing();
    } else if (found instanceof JsonValue.Ambiguous) {
      return malformed(member, "was sent several times", "Send it once");
    } else if (found instanceof JsonValue.Other) {
      return malformed(member, "is neither a string nor an integer", "Send one of these");
    }
    return malformed(
        member, "cannot be read, because the body is no JSON text", "Send JSON in UTF-8");
  }

  private static KeySyntax.Result field(
      RequestValue.Field field, int maxLength, HttpRequestHead request, RequestBody body) {
    for (String query : new String[] {request.query(), request.originalQuery()}) {
      Map<String, List<String>> inQuery = QueryFields.of(query);
      if (inQuery == null || inQuery.containsKey(field.name())) {
        // Handlers are given the parameters of a query as if they were fields, and before these.
        return malformed(
            field,
            inQuery == null
                ? "may be in the URL as well, whose query cannot be read"
                : "is in the URL, where it is not accepted",
            "Send it in the body of the form alone");
      }
    }
    List<String> values = List.of();
    if (body instanceof RequestBody.Form form) {
      values = form.fields().getOrDefault(field.name(), List.of());
    } else if (body instanceof RequestBody.Multipart multipart) {
      values = multipart.fields().getOrDefault(field.name(), List.of());
    } else if (body instanceof RequestBody.Bytes bytes && mediaType(request).isForm()) {
      Map<String, List<String>> fields = FormFields.parse(bytes.content());
      if (fields == null) {
        return malformed(
            field, "cannot be read, because the body is no form", "Escape its fields correctly");
      }
      values =
          fields.getOrDefault(oneCharacterForAByte(field.name()), List.of()).stream()
              .map(PlaceReader::utf8)
              .toList();
    } else if (isMultipart(request)) {
      return malformed(
          field,
          "cannot be read, because nothing takes the body apart",
          "Send it in a simple form");
    }
    return switch (values.size()) {
      case 0 -> new KeySyntax.Missing();
      case 1 -> checked(field, values.get(0), maxLength);
      default -> malformed(field, "was sent several times", "Send it once");
    };
  }

  private static boolean isMultipart(HttpRequestHead request) {
    return mediaType(request).essence().equals("multipart/form-data");
  }

  static MediaType mediaType(HttpRequestHead request) {
    List<String> lines = request.headerLines("Content-Type");
    return MediaType.parse(lines.isEmpty() ? null : lines.get(0));
  }

  static String oneCharacterForAByte(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  static String utf8(String oneCharacterForAByte) {
    return new String(
        oneCharacterForAByte.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }

  private static KeySyntax.Result checked(RequestValue place, String text, int maxLength) {
    if (text.isEmpty()) {
      return malformed(place, "is empty", "Send what is unique to this operation");
    }
    if (text.length() > maxLength) {
      return malformed(
          place,
          "has " + text.length() + " characters",
          "Send at most " + maxLength + "; a UUID has 36");
    }
    if (text.chars().anyMatch(Character::isISOControl)) {
      return malformed(place, "has control characters", "Use letters, digits and hyphens");
    }
    try {
      new IdempotentRequest("", text, Fingerprint.NONE);
    } catch (IllegalArgumentException e) {
      return malformed(place, "is not valid Unicode", "Use letters, digits and hyphens");
    }
    return new KeySyntax.Key(text);
  }

  private static KeySyntax.Malformed malformed(RequestValue place, String what, String fix) {
    String description = place.description();
    return new KeySyntax.Malformed(
        description.substring(0, 1).toUpperCase(Locale.ROOT)
            + description.substring(1)
            + " "
            + what
            + ". "
            + fix
            + ".");
  }
}
