package io.idem.http;

import io.idem.http.internal.FormFields;
import io.idem.http.internal.JsonDigest;
import io.idem.http.internal.JsonValue;
import io.idem.http.internal.MediaType;
import io.idem.http.internal.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Digests the fields that an endpoint names. */
final class NamedFields {

  private NamedFields() {}

  /**
   * Adds what stands at the places.
   *
   * @return false if the whole body has to count instead; the digest is then of no use
   */
  static boolean digestInto(
      Sha256 digest, BodyFields fields, MediaType type, HttpRequestHead request, RequestBody body) {
    boolean json = type.isJson() && body instanceof RequestBody.Bytes;
    Map<String, List<String>> form = form(type, body);
    boolean any = false;
    digest.number(fields.places().size());
    for (RequestValue place : fields.places()) {
      digest.string(place.description());
      if (place instanceof RequestValue.Header header) {
        list(digest, request.headerLines(header.name()));
      } else if (place instanceof RequestValue.Member member && json) {
        if (!member(digest, member, ((RequestBody.Bytes) body).content())) {
          return false;
        }
        any = true;
      } else if (place instanceof RequestValue.Field field && form != null) {
        String name =
            body instanceof RequestBody.Form
                ? field.name()
                : PlaceReader.oneCharacterForAByte(field.name());
        list(digest, form.getOrDefault(name, List.of()));
        any = true;
      } else if (place instanceof RequestValue.Field field
          && body instanceof RequestBody.Multipart multipart) {
        RequestFingerprint.ofParts(
            digest,
            multipart.parts().stream().filter(part -> part.name().equals(field.name())).toList());
        any = true;
      } else {
        digest.tag('x');
      }
    }
    return any;
  }

  private static @Nullable Map<String, List<String>> form(MediaType type, RequestBody body) {
    if (body instanceof RequestBody.Form form) {
      return form.fields();
    }
    return type.isForm() && body instanceof RequestBody.Bytes bytes
        ? FormFields.parse(bytes.content())
        : null;
  }

  private static boolean member(Sha256 digest, RequestValue.Member member, byte[] body) {
    JsonValue found = JsonValue.at(body, member.pointer());
    String json = null;
    if (found instanceof JsonValue.Text text) {
      json = text.json();
    } else if (found instanceof JsonValue.Other other) {
      json = other.json();
    } else if (!(found instanceof JsonValue.Absent)) {
      return false;
    }
    if (json == null) {
      digest.tag('-');
      return true;
    }
    byte[] value = JsonDigest.of(json.getBytes(StandardCharsets.US_ASCII));
    if (value == null) {
      return false;
    }
    digest.tag('+').bytes(value);
    return true;
  }

  private static void list(Sha256 digest, List<String> values) {
    digest.tag('l').number(values.size());
    values.forEach(digest::string);
  }
}
