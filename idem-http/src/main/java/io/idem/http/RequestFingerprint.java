package io.idem.http;

import io.idem.core.store.Fingerprint;
import io.idem.http.internal.FormFields;
import io.idem.http.internal.JsonDigest;
import io.idem.http.internal.MediaType;
import io.idem.http.internal.MultipartSections;
import io.idem.http.internal.PlainJson;
import io.idem.http.internal.Sha256;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The fingerprint of an HTTP request: its method, path, query, media type and whole body. No other
 * header takes part, because dates, trace ids and signatures differ between attempts.
 *
 * <ul>
 *   <li>The media type counts without {@code charset} and {@code boundary}.
 *   <li>JSON counts by what it says: the order of members, white space, escapes and the spelling of
 *       numbers do not count; the order of elements, duplicate members, {@code 1} against {@code
 *       "1"} and null against absent do. A number is never expanded. A text that is malformed, not
 *       UTF-8, deeper than 500 levels or of more than a million members counts by its bytes.
 *   <li>Forms count by the values of each field, whatever the order of the fields; those of more
 *       than 10 000 fields by their bytes.
 *   <li>Multipart bodies count by their parts, whatever the boundary.
 *   <li>Everything else counts by its bytes.
 * </ul>
 *
 * <p>What a fingerprint costs is bounded by the length of the body, whatever is in it: time in
 * proportion to it, and memory a few times that length, ten times where it is next to nothing but
 * small members.
 *
 * <p>A fingerprint is stored beside its key: what it is made of is a stored format, and a change
 * would turn repeats across an upgrade into misuse.
 */
public final class RequestFingerprint {

  private RequestFingerprint() {}

  /**
   * Computes the fingerprint.
   *
   * @param method the method
   * @param path the path, as it was sent
   * @param query the query, as it was sent, or null if there is none
   * @param contentType the value of the Content-Type header, or null if there is none
   * @param body the whole body
   * @return the fingerprint
   * @throws IllegalArgumentException for a body that is too large
   */
  public static Fingerprint of(
      String method,
      String path,
      @Nullable String query,
      @Nullable String contentType,
      RequestBody body) {
    return of(method, path, query, MediaType.parse(contentType), body);
  }

  private static Fingerprint of(
      String method, String path, @Nullable String query, MediaType type, RequestBody body) {
    byte[] json = type.isJson() && body instanceof RequestBody.Bytes bytes ? bytes.content() : null;
    Sha256 digest = Sha256.take();
    // Before the rest: what is long in it is digested by the way.
    PlainJson plain = json == null ? null : PlainJson.read(json, digest);
    begin(digest, method, path, query, type);
    if (plain != null) {
      plain.addTo(digest.tag('j'));
    } else if (json == null) {
      ofBody(digest, type, body);
    } else if (!JsonDigest.addTo(digest.tag('j'), json)) {
      digest.startAnew();
      begin(digest, method, path, query, type);
      ofBody(digest, type, body);
    }
    Fingerprint fingerprint = Fingerprint.ofDigest(digest.finish());
    digest.giveBack();
    return fingerprint;
  }

  /** The fingerprint of a request of an endpoint, which may name the fields that count. */
  static Fingerprint of(HttpRequestHead request, RequestBody body, @Nullable BodyFields fields) {
    MediaType type = PlaceReader.mediaType(request);
    if (fields != null) {
      Sha256 digest = new Sha256();
      begin(digest, request.method(), request.path(), request.query(), type);
      digest.tag('p');
      if (NamedFields.digestInto(digest, fields, type, request, body)) {
        return Fingerprint.ofDigest(digest.finish());
      }
    }
    return of(request.method(), request.path(), request.query(), type, body);
  }

  private static void begin(
      Sha256 digest, String method, String path, @Nullable String query, MediaType type) {
    digest.string(method).string(path).string(query == null ? "" : "?" + query);
    type.digestInto(digest);
  }

  private static Sha256 ofBody(Sha256 digest, MediaType type, RequestBody body) {
    return body.fold(
        bytes -> ofBytes(digest, type, bytes.content()),
        form -> ofFields(digest, form.fields()),
        multipart -> ofParts(digest, multipart.parts()),
        refused -> {
          throw new IllegalArgumentException("A body that is refused has no fingerprint");
        });
  }

  private static Sha256 ofBytes(Sha256 digest, MediaType type, byte[] content) {
    if (type.isForm()) {
      Map<String, List<String>> fields = FormFields.parse(content);
      if (fields != null) {
        return ofFields(digest, fields);
      }
    } else if (type.isMultipart() && !type.isJson()) {
      String boundary = type.boundary();
      if (boundary != null && !boundary.isEmpty()) {
        MultipartSections.digestInto(digest.tag('s'), content, boundary);
        return digest;
      }
    }
    return digest.tag('b').bytes(content);
  }

  private static Sha256 ofFields(Sha256 digest, Map<String, List<String>> fields) {
    digest.tag('f').number(fields.size());
    new TreeMap<>(fields)
        .forEach(
            (name, values) -> {
              digest.string(name).number(values.size());
              values.forEach(digest::string);
            });
    return digest;
  }

  static Sha256 ofParts(Sha256 digest, List<RequestBody.Part> parts) {
    digest.tag('m').number(parts.size());
    for (RequestBody.Part part : parts) {
      digest.string(part.name());
      optional(digest, part.fileName());
      MediaType.parse(part.contentType()).digestInto(digest);
      digest.string(part.digest());
    }
    return digest;
  }

  private static void optional(Sha256 digest, @Nullable String value) {
    if (value == null) {
      digest.tag('-');
    } else {
      digest.tag('+').string(value);
    }
  }
}
