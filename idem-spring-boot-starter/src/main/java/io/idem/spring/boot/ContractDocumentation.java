package io.idem.spring.boot;

import io.idem.core.Disposition;
import io.idem.http.CallerScope;
import io.idem.http.EndpointContract;
import io.idem.http.HeaderField;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.Problem;
import io.idem.http.ProblemType;
import io.idem.http.StaleGuard;
import io.idem.http.StoredResponse;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.examples.Example;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.json.JsonParseException;
import org.springframework.boot.json.JsonParserFactory;

/**
 * Writes the contract of an endpoint into the OpenAPI description of its operation. What the
 * application says there itself stays; what it does not say is added. Knows nothing of how requests
 * are carried, by servlets or otherwise.
 */
final class ContractDocumentation {

  /** The extension with what OpenAPI has no word for. */
  static final String EXTENSION = "x-idempotency";

  private static final String PROBLEM_SCHEMA = "IdempotencyProblem";
  private static final String STRIPE_SCHEMA = "IdempotencyStripeError";
  private static final String REFUSALS = "Refused by the protection from being carried out twice:";
  private static final String SCHEMAS = "#/components/schemas/";

  private final Components components;

  /**
   * Writes into one document.
   *
   * @param components where the document has its shared schemas, which are added as they are used
   */
  ContractDocumentation(Components components) {
    this.components = components;
  }

  void describe(Operation operation, EndpointContract contract) {
    RequestDocumentation request = new RequestDocumentation(operation, components);
    contract.requestParts().forEach(request::add);
    ApiResponses responses = operation.getResponses();
    if (responses == null) {
      responses = new ApiResponses();
      operation.setResponses(responses);
    }
    // Before the refusals, which are never sent a second time.
    addReplayHeaders(responses, contract);
    addRefusals(responses, contract, request.isMultipart());
    if (operation.getExtensions() == null || !operation.getExtensions().containsKey(EXTENSION)) {
      operation.addExtension(EXTENSION, extension(contract.endpoint()));
    }
  }

  private static Map<String, Object> extension(HttpEndpoint endpoint) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("operation", endpoint.operation().name());
    values.put("retention", endpoint.operation().retention().toString());
    values.put("keyRequired", endpoint.isKeyRequired());
    values.put(
        "keysBelongTo", endpoint.callerScope() == CallerScope.CALLER ? "caller" : "everybody");
    values.put("pathScope", endpoint.pathScope().name().toLowerCase(Locale.ROOT));
    StaleGuard guard = endpoint.staleGuard();
    if (guard != null) {
      values.put("refusedAfter", guard.window().toString());
    }
    values.put("dialect", endpoint.dialect().name());
    return values;
  }

  // ---- answers of the handler

  private void addReplayHeaders(ApiResponses responses, EndpointContract contract) {
    for (String code : List.copyOf(responses.keySet())) {
      if (isReplayed(code, contract.endpoint())) {
        ApiResponse response = own(responses, code);
        if (response != null) {
          for (HeaderField header : contract.replayHeaders()) {
            addHeader(response, header, textOf(header.name(), contract.endpoint()));
          }
        }
      }
    }
  }

  /** Whether answers of a status are kept; codes such as {@code 2XX} and {@code default} are. */
  private static boolean isReplayed(String code, HttpEndpoint endpoint) {
    if (code.length() != 3 || !code.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return !code.startsWith("5");
    }
    Disposition disposition = endpoint.responsePolicy().dispositionOf(Integer.parseInt(code));
    return disposition == Disposition.RECORD || disposition == Disposition.RECORD_REJECTION;
  }

  private static String textOf(String header, HttpEndpoint endpoint) {
    return switch (header) {
      case HttpIdempotency.REPLAYED_HEADER ->
          "`true` where this is the stored answer to an earlier request with the same key; absent"
              + " where the request was carried out now.";
      case HttpIdempotency.LIFETIME_HEADER ->
          "How long the key counts, from the first answer (ISO 8601).";
      case "Retry-After" -> "After how many seconds to send the same request again.";
      default -> "Sent in the dialect '" + endpoint.dialect().name() + "'.";
    };
  }

  // ---- refusals

  private void addRefusals(ApiResponses responses, EndpointContract contract, boolean isMultipart) {
    Map<Integer, List<EndpointContract.Refusal>> byStatus = new TreeMap<>();
    for (EndpointContract.Refusal refusal : contract.refusals()) {
      if (isMultipart || refusal.type() != ProblemType.REQUEST_MALFORMED) {
        byStatus
            .computeIfAbsent(refusal.example().status(), status -> new ArrayList<>())
            .add(refusal);
      }
    }
    byStatus.forEach(
        (status, refusals) -> {
          ApiResponse response = own(responses, status.toString());
          if (response != null) {
            addRefusals(response, refusals, contract.endpoint());
          }
        });
  }

  private void addRefusals(
      ApiResponse response, List<EndpointContract.Refusal> refusals, HttpEndpoint endpoint) {
    StringBuilder text = new StringBuilder();
    String given = response.getDescription() == null ? "" : response.getDescription();
    text.append(given);
    if (!given.contains(REFUSALS)) {
      text.append(given.isBlank() ? "" : "\n\n").append(REFUSALS).append('\n');
    }
    for (EndpointContract.Refusal refusal : refusals) {
      ProblemType type = refusal.type();
      String line = "\n- `" + type.slug() + "`: " + type.title();
      if (!given.contains(line)) { // several endpoints may be behind one operation
        text.append(line).append(type.retryable() ? "; to be sent again" : "");
      }
      for (HeaderField header : refusal.example().headers()) {
        if (!isCommon(header.name())) {
          addHeader(response, header, textOf(header.name(), endpoint));
        }
      }
      addExample(response, refusal, endpoint.dialect().name());
    }
    response.setDescription(text.toString());
  }

  private static boolean isCommon(String header) {
    return header.equalsIgnoreCase("Content-Type") || header.equalsIgnoreCase("Cache-Control");
  }

  private void addExample(ApiResponse response, EndpointContract.Refusal refusal, String dialect) {
    StoredResponse answer = refusal.example();
    String mediaType =
        answer.headers().stream()
            .filter(header -> header.name().equalsIgnoreCase("Content-Type"))
            .map(HeaderField::value)
            .findFirst()
            .orElse("application/octet-stream");
    if (response.getContent() == null) {
      response.setContent(new Content());
    }
    Content content = response.getContent();
    MediaType media = content.get(mediaType);
    if (media == null) {
      media = new MediaType();
      String schema = schemaOf(mediaType, refusal);
      if (schema != null) {
        media.setSchema(new Schema<>().$ref(SCHEMAS + schema));
      }
      content.addMediaType(mediaType, media);
    }
    Map<String, Example> examples = media.getExamples();
    String slug = refusal.type().slug();
    if (media.getExample() == null && (examples == null || !examples.containsKey(slug))) {
      media.addExamples(
          slug, shared(dialect + "-" + answer.status() + "-" + slug, exampleOf(refusal)));
    }
  }

  private static Example exampleOf(EndpointContract.Refusal refusal) {
    return new Example().summary(refusal.type().title()).value(json(refusal.example()));
  }

  /** Most endpoints have the same refusals: each is written once. */
  private Example shared(String name, Example example) {
    String shared = "idempotency-" + name;
    if (components.getExamples() == null || !components.getExamples().containsKey(shared)) {
      components.addExamples(shared, example);
    }
    return example.equals(components.getExamples().get(shared))
        ? new Example().$ref("#/components/examples/" + shared)
        : example;
  }

  private static Object json(StoredResponse answer) {
    String text = new String(answer.body(), StandardCharsets.UTF_8);
    try {
      return JsonParserFactory.getJsonParser().parseMap(text);
    } catch (JsonParseException e) {
      return text; // a dialect of the application's own may write what it likes
    }
  }

  // ---- schemas

  /** The name of the schema of a refusal, or null if it is not known. */
  private @Nullable String schemaOf(String mediaType, EndpointContract.Refusal refusal) {
    if (mediaType.equals(Problem.MEDIA_TYPE)) {
      share(PROBLEM_SCHEMA, problemSchema());
      return PROBLEM_SCHEMA;
    }
    if (json(refusal.example()) instanceof Map<?, ?> body
        && body.get("error") instanceof Map<?, ?> error
        && error.keySet().containsAll(List.of("type", "code", "message", "doc_url"))) {
      share(STRIPE_SCHEMA, stripeSchema());
      return STRIPE_SCHEMA;
    }
    return null;
  }

  private void share(String name, Schema<?> schema) {
    if (components.getSchemas() == null || !components.getSchemas().containsKey(name)) {
      components.addSchemas(name, schema);
    }
  }

  private static Schema<?> problemSchema() {
    Schema<?> schema =
        OpenApiSchemas.object()
            .description("Why a request was refused, as problem details (RFC 9457).");
    schema.addProperty(
        "type",
        OpenApiSchemas.string("uri-reference").description("The cause; resolves to what to do."));
    schema.addProperty("title", OpenApiSchemas.string().description("The cause in short."));
    schema.addProperty(
        "status", OpenApiSchemas.integer().description("The status of the response."));
    schema.addProperty(
        "detail", OpenApiSchemas.string().description("What to do about this occurrence."));
    schema.addProperty(
        "retryable",
        OpenApiSchemas.bool()
            .description("Whether the very same request, sent again after a while, may succeed."));
    schema.setRequired(List.of("type", "title", "status", "detail", "retryable"));
    return schema;
  }

  private static Schema<?> stripeSchema() {
    Schema<?> error = OpenApiSchemas.object();
    error.addProperty("type", OpenApiSchemas.string().description("The kind of error."));
    error.addProperty("code", OpenApiSchemas.string().description("The cause."));
    error.addProperty(
        "message", OpenApiSchemas.string().description("What to do about this occurrence."));
    error.addProperty(
        "doc_url", OpenApiSchemas.string("uri-reference").description("Documents the cause."));
    error.setRequired(List.of("type", "code", "message", "doc_url"));
    Schema<?> schema =
        OpenApiSchemas.object().description("Why a request was refused, as Stripe's API says it.");
    schema.addProperty("error", error);
    schema.setRequired(List.of("error"));
    return schema;
  }

  // ---- responses

  /**
   * A response that may be changed: one object may be the description of many operations, or stand
   * for one that all of them share. Null if it stands for one that is not in this document.
   */
  private @Nullable ApiResponse own(ApiResponses responses, String code) {
    ApiResponse given = responses.get(code);
    ApiResponse resolved = given == null ? new ApiResponse() : resolved(given);
    if (resolved.get$ref() != null) {
      return null;
    }
    ApiResponse copy = new ApiResponse();
    copy.setDescription(resolved.getDescription());
    copy.setLinks(resolved.getLinks());
    copy.setExtensions(resolved.getExtensions());
    if (resolved.getHeaders() != null) {
      copy.setHeaders(new LinkedHashMap<>(resolved.getHeaders()));
    }
    if (resolved.getContent() != null) {
      copy.setContent(OpenApiCopies.of(resolved.getContent()));
    }
    responses.addApiResponse(code, copy);
    return copy;
  }

  private ApiResponse resolved(ApiResponse response) {
    String prefix = "#/components/responses/";
    String ref = response.get$ref();
    if (ref == null || !ref.startsWith(prefix) || components.getResponses() == null) {
      return response;
    }
    return components.getResponses().getOrDefault(ref.substring(prefix.length()), response);
  }

  private static void addHeader(ApiResponse response, HeaderField header, String description) {
    boolean known =
        response.getHeaders() != null
            && response.getHeaders().keySet().stream()
                .anyMatch(name -> name.equalsIgnoreCase(header.name()));
    if (!known) {
      response.addHeaderObject(
          header.name(),
          new Header()
              .description(description)
              .schema(OpenApiSchemas.string())
              .example(header.value()));
    }
  }
}
