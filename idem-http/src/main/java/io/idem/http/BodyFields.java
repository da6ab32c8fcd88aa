package io.idem.http;

import java.util.List;

/**
 * The fields that count as the request in place of its whole body. Method, path, query and media
 * type count besides. Immutable and thread-safe.
 *
 * <ul>
 *   <li>A member of JSON counts by what its value says, as in {@link RequestFingerprint}; absent
 *       and null differ. Where a name on its way appears twice in one object, or the body is no
 *       JSON text, the whole body counts.
 *   <li>A form field counts by its values in their order, one of a multipart body by the parts of
 *       that name, files among them, where the server takes the body apart.
 *   <li>A header counts by its lines.
 *   <li>Where no field of the list can be in the body, because its media type is neither JSON nor a
 *       form or the list names none of that kind, the whole body counts.
 * </ul>
 *
 * @param places members, form fields and headers, at least one of them in the body
 */
public record BodyFields(List<RequestValue> places) {

  /**
   * Checks and copies the list.
   *
   * @param places members, form fields and headers
   * @throws IllegalArgumentException if none of them is in the body, or one is a variable of the
   *     path, which counts anyway
   */
  public BodyFields {
    places = List.copyOf(places);
    if (places.stream().noneMatch(RequestValue::isInBody)) {
      throw new IllegalArgumentException(
          "The fields that count in place of a body are members of JSON or form fields, at least"
              + " one of them");
    }
    if (places.stream().anyMatch(RequestValue.PathVariable.class::isInstance)) {
      throw new IllegalArgumentException("A path counts whole: leave its variables away");
    }
  }

  /**
   * The fields, as settings write them.
   *
   * @param places each as for {@link RequestValue#parse}
   * @return the fields
   * @throws IllegalArgumentException if one is none, or none is in the body
   */
  public static BodyFields parse(String... places) {
    return new BodyFields(List.of(places).stream().map(RequestValue::parse).toList());
  }
}
