package io.idem.spring.boot;

import io.idem.http.EndpointContract.RequestPart;
import io.idem.http.RequestValue;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What an endpoint looks for in a request, in the description of one operation. */
final class RequestDocumentation {

  private static final String FORM = "application/x-www-form-urlencoded";
  private static final String JSON = "application/json";
  private static final String MULTIPART = "multipart/form-data";

  private final Operation operation;
  private final Components components;

  RequestDocumentation(Operation operation, Components components) {
    this.operation = operation;
    this.components = components;
  }

  boolean isMultipart() {
    return mediaTypes().stream().anyMatch(name -> name.startsWith("multipart/"));
  }

  void add(RequestPart part) {
    RequestValue place = part.place();
    if (place instanceof RequestValue.Header header) {
      addParameter("header", header.name(), part);
    } else if (place instanceof RequestValue.PathVariable variable) {
      addParameter("path", variable.name(), part);
    } else if (place instanceof RequestValue.Field field) {
      addField(field.name(), part);
    } else if (place instanceof RequestValue.Member member) {
      addMember(member.pointer(), part);
    }
  }

  // ---- parameters

  private void addParameter(String in, String name, RequestPart part) {
    Parameter parameter = find(in, name).orElse(null);
    if (parameter == null) {
      parameter = new Parameter().in(in).name(name).schema(OpenApiSchemas.string());
      operation.addParametersItem(parameter);
    } else {
      int index = indexOf(parameter);
      if (index < 0) {
        return; // shared with other operations, and described by the application
      }
      parameter = OpenApiCopies.of(parameter);
      List<Parameter> parameters = new ArrayList<>(operation.getParameters());
      parameters.set(index, parameter);
      operation.setParameters(parameters);
    }
    if (part.required() || in.equals("path")) { // the path's are always required
      parameter.setRequired(true);
    } else if (parameter.getRequired() == null) {
      parameter.setRequired(false);
    }
    if (parameter.getDescription() == null) {
      parameter.setDescription(part.description());
    }
    if (part.example() != null
        && parameter.getExample() == null
        && parameter.getExamples() == null) {
      parameter.setExample(part.example());
    }
    if (parameter.getSchema() == null) {
      if (parameter.getContent() != null) {
        return; // which stands for the schema
      }
      parameter.setSchema(OpenApiSchemas.string());
    }
    bound(parameter.getSchema(), part);
  }

  /** A parameter of the operation; header names are compared without their case. */
  private Optional<Parameter> find(String in, String name) {
    List<Parameter> parameters = operation.getParameters();
    return parameters == null
        ? Optional.empty()
        : parameters.stream()
            .map(this::resolved)
            .filter(parameter -> in.equals(parameter.getIn()))
            .filter(
                parameter ->
                    in.equals("header")
                        ? name.equalsIgnoreCase(parameter.getName())
                        : name.equals(parameter.getName()))
            .findFirst();
  }

  /** Where a parameter stands in the operation itself, or -1. Another one may be equal to it. */
  @SuppressWarnings("ReferenceEquality")
  private int indexOf(Parameter parameter) {
    List<Parameter> parameters = operation.getParameters();
    for (int i = 0; i < parameters.size(); i++) {
      if (parameters.get(i) == parameter) {
        return i;
      }
    }
    return -1;
  }

  private void remove(Parameter parameter) {
    operation.getParameters().remove(parameter);
    if (operation.getParameters().isEmpty()) {
      operation.setParameters(null);
    }
  }

  private Parameter resolved(Parameter parameter) {
    String prefix = "#/components/parameters/";
    String ref = parameter.get$ref();
    if (ref == null || !ref.startsWith(prefix) || components.getParameters() == null) {
      return parameter;
    }
    return components.getParameters().getOrDefault(ref.substring(prefix.length()), parameter);
  }

  private static void bound(Schema<?> schema, RequestPart part) {
    if (schema.get$ref() != null) {
      return;
    }
    boolean isText = schema.getType() == null || "string".equals(schema.getType());
    if (isText && schema.getMinLength() == null) {
      schema.setMinLength(part.minLength());
    }
    if (isText && schema.getMaxLength() == null) {
      schema.setMaxLength(part.maxLength());
    }
  }

  // ---- the body

  private void addField(String name, RequestPart part) {
    List<String> forms =
        mediaTypes().stream()
            .filter(type -> type.startsWith(FORM) || type.startsWith(MULTIPART))
            .toList();
    if (forms.isEmpty()) {
      if (!part.required() && !mediaTypes().isEmpty()) {
        return; // what the operation reads is no form, and the key may come another way
      }
      forms = List.of(FORM);
    }
    // A field that the handler reads as a parameter is described as one of the query.
    find("query", name).ifPresent(this::remove);
    for (String form : forms) {
      require(form, List.of(name), part);
    }
  }

  private void addMember(String pointer, RequestPart part) {
    List<String> path = new ArrayList<>();
    for (String segment : pointer.substring(1).split("/", -1)) {
      path.add(segment.replace("~1", "/").replace("~0", "~")); // RFC 6901, section 4
    }
    List<String> types =
        mediaTypes().stream().filter(type -> type.contains("json") || type.equals("*/*")).toList();
    for (String type : types.isEmpty() ? List.of(JSON) : types) {
      require(type, path, part);
    }
  }

  private List<String> mediaTypes() {
    RequestBody body = resolved(operation.getRequestBody());
    return body == null || body.getContent() == null
        ? List.of()
        : List.copyOf(body.getContent().keySet());
  }

  private @Nullable RequestBody resolved(@Nullable RequestBody body) {
    String prefix = "#/components/requestBodies/";
    String ref = body == null ? null : body.get$ref();
    if (ref == null || !ref.startsWith(prefix) || components.getRequestBodies() == null) {
      return body;
    }
    return components.getRequestBodies().getOrDefault(ref.substring(prefix.length()), body);
  }

  /**
   * Says that a body has a member. The body and its schema may be shared with other operations, so
   * they are not changed, but what is demanded is demanded of a copy besides.
   */
  private void require(String mediaType, List<String> path, RequestPart part) {
    RequestBody given = resolved(operation.getRequestBody());
    if (given != null && given.get$ref() != null) {
      return; // it is not in this document
    }
    RequestBody body = given == null ? new RequestBody() : OpenApiCopies.of(given);
    operation.setRequestBody(body);
    if (body.getContent() == null) {
      body.setContent(new Content());
    }
    MediaType media = body.getContent().computeIfAbsent(mediaType, type -> new MediaType());
    Schema<?> demanded = member(path, part);
    Schema<?> asked = media.getSchema();
    media.setSchema(asked == null ? demanded : both(asked, demanded));
    if (part.required()) {
      body.setRequired(true);
    }
  }

  private static Schema<?> both(Schema<?> given, Schema<?> demanded) {
    Schema<?> all = new Schema<>();
    all.addAllOfItem(given);
    all.addAllOfItem(demanded);
    return all;
  }

  private static Schema<?> member(List<String> path, RequestPart part) {
    Schema<?> schema = value(part);
    for (int i = path.size() - 1; i >= 0; i--) {
      Schema<?> object = OpenApiSchemas.object();
      object.addProperty(path.get(i), schema);
      if (part.required()) {
        object.setRequired(List.of(path.get(i)));
      }
      schema = object;
    }
    return schema;
  }

  private static Schema<?> value(RequestPart part) {
    // No type: a member may be a string or an integer, as the body's own schema says.
    Schema<?> schema =
        part.place() instanceof RequestValue.Field ? OpenApiSchemas.string() : new Schema<>();
    schema.setDescription(part.description());
    schema.setMinLength(part.minLength());
    schema.setMaxLength(part.maxLength());
    return schema;
  }
}
