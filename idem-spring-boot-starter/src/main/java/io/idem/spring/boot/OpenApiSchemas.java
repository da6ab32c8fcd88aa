package io.idem.spring.boot;

import io.swagger.v3.oas.models.media.Schema;

/** Schemas that are written alike in documents of OpenAPI 3.0 and 3.1. */
final class OpenApiSchemas {

  private OpenApiSchemas() {}

  static Schema<?> string() {
    return of("string");
  }

  static Schema<?> string(String format) {
    return of("string").format(format);
  }

  static Schema<?> integer() {
    return of("integer");
  }

  static Schema<?> bool() {
    return of("boolean");
  }

  static Schema<?> object() {
    return of("object");
  }

  /** 3.0 has one type, 3.1 a list of them; the model keeps the two apart. */
  private static Schema<?> of(String type) {
    Schema<?> schema = new Schema<>();
    schema.setType(type);
    schema.addType(type);
    return schema;
  }
}
