package io.idem.spring.boot;

import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import java.util.LinkedHashMap;
import org.springframework.beans.BeanUtils;

/**
 * Copies of what stands in a document, to be changed for one operation: an application may have
 * given one object to many.
 */
final class OpenApiCopies {

  private OpenApiCopies() {}

  static Parameter of(Parameter parameter) {
    Parameter copy = new Parameter();
    copy.setName(parameter.getName());
    copy.setIn(parameter.getIn());
    copy.setDescription(parameter.getDescription());
    copy.setRequired(parameter.getRequired());
    copy.setDeprecated(parameter.getDeprecated());
    copy.setAllowEmptyValue(parameter.getAllowEmptyValue());
    copy.setStyle(parameter.getStyle());
    copy.setExplode(parameter.getExplode());
    copy.setAllowReserved(parameter.getAllowReserved());
    copy.setSchema(parameter.getSchema() == null ? null : of(parameter.getSchema()));
    copy.setExamples(parameter.getExamples());
    copy.setExample(parameter.getExample());
    copy.setContent(parameter.getContent());
    copy.setExtensions(parameter.getExtensions());
    return copy;
  }

  /** What is inside of a schema is shared with its copy. */
  static Schema<?> of(Schema<?> schema) {
    Schema<?> copy = BeanUtils.instantiateClass(schema.getClass());
    BeanUtils.copyProperties(schema, copy);
    // To set null is to give null for an example.
    copy.setExampleSetFlag(schema.getExampleSetFlag());
    copy.setDefaultSetFlag(schema.getDefaultSetFlag());
    return copy;
  }

  static RequestBody of(RequestBody body) {
    RequestBody copy = new RequestBody();
    copy.setDescription(body.getDescription());
    copy.setRequired(body.getRequired());
    copy.setExtensions(body.getExtensions());
    copy.setContent(body.getContent() == null ? null : of(body.getContent()));
    return copy;
  }

  static Content of(Content content) {
    Content copy = new Content();
    content.forEach((name, media) -> copy.addMediaType(name, of(media)));
    return copy;
  }

  private static MediaType of(MediaType media) {
    MediaType copy = new MediaType();
    copy.setSchema(media.getSchema());
    if (media.getExample() != null) { // to set null is to give null for an example
      copy.setExample(media.getExample());
    }
    if (media.getExamples() != null) {
      copy.setExamples(new LinkedHashMap<>(media.getExamples()));
    }
    copy.setEncoding(media.getEncoding());
    copy.setExtensions(media.getExtensions());
    return copy;
  }
}
