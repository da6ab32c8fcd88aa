package io.idem.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What springdoc's document says of protected endpoints. */
class OpenApiTest {

  private static final String PROBLEM = "application/problem+json";

  private static JsonNode document;

  /** Of OpenAPI 3.0, of a group, with strict keys. */
  private static JsonNode older;

  @BeforeAll
  static void read() throws Exception {
    document = documentOf("/v3/api-docs");
    older =
        documentOf(
            "/v3/api-docs/some",
            "springdoc.api-docs.version=openapi_3_0",
            "springdoc.group-configs[0].group=some",
            "springdoc.group-configs[0].paths-to-match=/orders/**",
            "idem.http.strict-keys=true");
  }

  private static JsonNode documentOf(String path, String... properties) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of("springdoc.api-docs.enabled=true", "server.servlet.context-path=/shop"));
    all.addAll(List.of(properties));
    try (Service service = Service.start(OpenApiService.class, all.toArray(String[]::new))) {
      HttpResponse<String> answer =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(
                          URI.create("http://127.0.0.1:" + service.port() + "/shop" + path))
                      .build(),
                  BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      return JsonMapper.shared().readTree(answer.body());
    }
  }

  // ---- the key

  @Test
  void theHeaderIsShownWithItsBounds() {
    JsonNode key = parameter("/orders", "post", "Idempotency-Key");

    assertThat(key.at("/in").asString()).isEqualTo("header");
    assertThat(key.at("/required").asBoolean()).isTrue();
    assertThat(key.at("/schema/type").asString()).isEqualTo("string");
    assertThat(key.at("/schema/minLength").asInt()).isEqualTo(1);
    assertThat(key.at("/schema/maxLength").asInt()).isEqualTo(255);
    assertThat(key.at("/description").asString()).contains("same one with every retry");
    assertThat(key.at("/example").asString()).hasSize(36);
  }

  @Test
  void aStrictHeaderHasItsQuotes() {
    JsonNode key = parameter(older, "/orders", "post", "Idempotency-Key");

    assertThat(document.at("/openapi").asString()).startsWith("3.1");
    assertThat(older.at("/openapi").asString()).startsWith("3.0");
    assertThat(older.at("/paths").propertyNames()).doesNotContain("/charges");
    assertThat(key.at("/schema/type").asString()).isEqualTo("string");
    assertThat(key.at("/schema/minLength").asInt()).isEqualTo(3);
    assertThat(key.at("/schema/maxLength").asInt()).isEqualTo(257);
    assertThat(key.at("/example").asString()).startsWith("\"").endsWith("\"");
  }

  @Test
  void aHeaderThatTheHandlerReadsIsNotShownTwice() {
    JsonNode parameters = operation("/optional", "post").at("/parameters");

    assertThat(names(parameters)).containsExactly("x-request-key", "Repeatability-First-Sent");
    // The handler demands it, whatever the protection does.
    assertThat(parameters.at("/0/required").asBoolean()).isTrue();
    assertThat(parameters.at("/0/schema/maxLength").asInt()).isEqualTo(255);
    assertThat(parameters.at("/0/description").asString()).contains("Without it");
    assertThat(parameters.at("/1/required").asBoolean()).isFalse();
    assertThat(parameters.at("/1/description").asString()).contains("PT12H");
  }

  @Test
  void aPathVariableIsTold() {
    JsonNode number = parameter("/orders/{number}", "put", "number");

    assertThat(number.at("/in").asString()).isEqualTo("path");
    assertThat(number.at("/description").asString()).contains("idempotency key");
    assertThat(number.at("/schema/maxLength").asInt()).isEqualTo(255);
    assertThat(operation("/orders/{number}", "put").at("/parameters")).hasSize(1);
  }

  @Test
  void aMemberIsDemandedOfThisBodyOnly() {
    JsonNode schema = body("/invoices", "application/json");

    assertThat(schema.at("/allOf/0/$ref").asString()).isEqualTo("#/components/schemas/Invoice");
    assertThat(schema.at("/allOf/1/required/0").asString()).isEqualTo("invoice");
    JsonNode invoice = schema.at("/allOf/1/properties/invoice");
    assertThat(invoice.at("/required/0").asString()).isEqualTo("number");
    assertThat(invoice.at("/properties/number/maxLength").asInt()).isEqualTo(255);
    assertThat(operation("/invoices", "post").at("/requestBody/required").asBoolean()).isTrue();
    assertThat(operation("/invoices", "post").has("parameters")).isFalse();

    assertThat(body("/invoices/drafts", "application/json").at("/$ref").asString())
        .isEqualTo("#/components/schemas/Invoice");
    assertThat(document.at("/components/schemas/Numbered/properties/number").has("maxLength"))
        .isFalse();
  }

  @Test
  void aFieldIsOneOfTheForm() {
    JsonNode schema = body("/subscriptions", "application/x-www-form-urlencoded");

    assertThat(schema.at("/properties/number/type").asString()).isEqualTo("string");
    assertThat(schema.at("/properties/number/minLength").asInt()).isEqualTo(1);
    assertThat(schema.at("/required/0").asString()).isEqualTo("number");
    assertThat(names(operation("/subscriptions", "post").at("/parameters"))).isEmpty();
  }

  @Test
  void aTokenIsInTheHeaderOrTheForm() {
    JsonNode header = parameter("/purchases", "post", "Idempotency-Key");
    JsonNode form = body("/purchases", "application/x-www-form-urlencoded");

    assertThat(header.at("/required").asBoolean()).isFalse();
    assertThat(header.at("/description").asString())
        .contains("token", "'purchases'", "the form field idempotency_token", "One of the two");
    assertThat(form.at("/properties/idempotency_token/description").asString())
        .contains("the header Idempotency-Key");
    assertThat(form.has("required")).isFalse();
    assertThat(slugs("/purchases", "400"))
        .containsExactlyInAnyOrder(
            "key-missing", "key-malformed", "token-invalid", "token-expired");
    assertThat(slugs("/purchases", "403"))
        .containsExactlyInAnyOrder("caller-required", "token-foreign");
  }

  @Test
  void aJsonBodyHasNoFieldForAToken() {
    assertThat(parameter("/refunds", "post", "Idempotency-Key").at("/description").asString())
        .contains("a key of your own");
    assertThat(operation("/refunds", "post").at("/requestBody/content").propertyNames())
        .containsExactly("application/json");
    assertThat(body("/refunds", "application/json").at("/$ref").asString())
        .isEqualTo("#/components/schemas/Order");
  }

  @Test
  void sourceAndNumberAreToldOfEachOther() {
    JsonNode system = parameter("/bookings", "post", "X-System");
    JsonNode number = body("/bookings", "application/json").at("/properties/number");

    assertThat(system.at("/required").asBoolean()).isFalse();
    assertThat(system.at("/description").asString()).contains("the JSON member /number");
    assertThat(number.at("/description").asString()).contains("the header X-System");
    assertThat(slugs("/bookings", "403"))
        .containsExactlyInAnyOrder("caller-required", "source-foreign");
    // Half a key is refused where none would do.
    assertThat(slugs("/bookings", "400")).contains("key-missing");
  }

  // ---- the answers

  @Test
  void refusalsArePutUnderTheirStatus() {
    assertThat(slugs("/orders", "400")).containsExactlyInAnyOrder("key-missing", "key-malformed");
    assertThat(slugs("/orders", "403")).containsExactly("caller-required");
    assertThat(slugs("/orders", "409"))
        .containsExactlyInAnyOrder("outcome-unknown", "answer-not-stored");
    assertThat(slugs("/orders", "413")).containsExactly("request-too-large");
    assertThat(slugs("/orders", "422")).containsExactly("key-reused");
    assertThat(slugs("/orders", "423")).containsExactly("in-progress");
    assertThat(slugs("/orders", "503")).containsExactly("store-unavailable");
    assertThat(operation("/orders", "post").at("/responses").has("412")).isFalse();
  }

  @Test
  void whatCannotHappenIsNotShown() {
    assertThat(slugs("/optional", "400")).containsExactly("key-malformed");
    assertThat(slugs("/optional", "412")).containsExactly("stale-request");
    assertThat(operation("/optional", "post").at("/responses").has("403")).isFalse();
    assertThat(slugs("/uploads", "400")).contains("request-malformed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"400", "403", "409", "413", "422", "423", "503"})
  void problemsShareOneSchema(String status) {
    JsonNode problem = response("/orders", status).at("/content").path(PROBLEM);

    assertThat(problem.at("/schema/$ref").asString())
        .isEqualTo("#/components/schemas/IdempotencyProblem");
  }

  @Test
  void theSharedSchemaIsThatOfAProblem() {
    for (JsonNode each : List.of(document, older)) {
      JsonNode schema = each.at("/components/schemas/IdempotencyProblem");
      assertThat(schema.at("/type").asString()).isEqualTo("object");
      assertThat(schema.at("/properties").propertyNames())
          .containsExactlyInAnyOrder("type", "title", "status", "detail", "retryable");
      assertThat(schema.at("/properties/retryable/type").asString()).isEqualTo("boolean");
      assertThat(schema.at("/required")).hasSize(5);
    }
  }

  @Test
  void anExampleIsWhatIsSent() {
    JsonNode example =
        resolved(
            response("/orders", "422").at("/content").path(PROBLEM).at("/examples/key-reused"));

    assertThat(example.at("/summary").asString()).contains("different request");
    example = example.at("/value");
    assertThat(example.at("/type").asString()).isEqualTo("/shop/idempotency/problems/key-reused");
    assertThat(example.at("/status").asInt()).isEqualTo(422);
    assertThat(example.at("/title").asString()).contains("different request");
    assertThat(example.at("/detail").asString()).startsWith("A different request was sent");
    assertThat(example.at("/retryable").isBoolean()).isTrue();
  }

  @Test
  void anExampleIsWrittenOnceUnlessItDiffers() {
    String busy = "/content/application~1problem+json/examples/in-progress";
    String missing = "/content/application~1problem+json/examples/key-missing";

    assertThat(response("/any", "409").at(busy).has("$ref")).isTrue();
    assertThat(response("/uploads", "409").at(busy)).isEqualTo(response("/any", "409").at(busy));
    assertThat(resolved(response("/any", "409").at(busy)).at("/value/status").asInt())
        .isEqualTo(409);
    assertThat(resolved(response("/orders", "423").at(busy)).at("/value/status").asInt())
        .isEqualTo(423);
    // What to send is told of each endpoint.
    assertThat(detail(response("/invoices", "400").at(missing))).contains("/invoice/number");
    assertThat(detail(response("/orders", "400").at(missing))).contains("Idempotency-Key");
  }

  @Test
  void whatTheApplicationSaysStays() {
    assertThat(response("/orders", "201").at("/description").asString()).isEqualTo("Ordered.");
    assertThat(response("/orders", "201").at("/content/*~1*").propertyNames())
        .containsExactly("schema");
    assertThat(response("/orders", "409").at("/description").asString())
        .startsWith("Out of stock.")
        .contains("`outcome-unknown`");
    assertThat(names(operation("/orders", "get").at("/parameters"))).isEmpty();
  }

  @Test
  void headersOfAnswersAreShown() {
    JsonNode headers = response("/orders", "201").at("/headers");

    assertThat(headers.propertyNames())
        .containsExactlyInAnyOrder("Idempotent-Replayed", "Idempotency-Key-Lifetime");
    assertThat(headers.at("/Idempotency-Key-Lifetime/example").asString()).isEqualTo("PT48H");
    // Kept as well; 401 frees the key.
    assertThat(response("/orders", "409").at("/headers").has("Idempotent-Replayed")).isTrue();
    assertThat(response("/orders", "401").has("headers")).isFalse();
    assertThat(response("/orders", "422").at("/headers").has("Idempotent-Replayed")).isFalse();
    assertThat(response("/orders", "423").at("/headers").has("Retry-After")).isTrue();
    assertThat(response("/orders", "503").at("/headers").has("Retry-After")).isTrue();
    assertThat(response("/orders", "422").at("/headers").has("Retry-After")).isFalse();
  }

  @Test
  void theRetentionIsAnExtension() {
    JsonNode extension = operation("/orders", "post").at("/x-idempotency");

    assertThat(extension.at("/operation").asString()).isEqualTo("orders.create");
    assertThat(extension.at("/retention").asString()).isEqualTo("PT48H");
    assertThat(extension.at("/keyRequired").asBoolean()).isTrue();
    assertThat(extension.at("/keysBelongTo").asString()).isEqualTo("caller");
    assertThat(extension.at("/pathScope").asString()).isEqualTo("separate");
    assertThat(extension.at("/dialect").asString()).isEqualTo("ietf");
    JsonNode optional = operation("/optional", "post").at("/x-idempotency");
    assertThat(optional.at("/keyRequired").asBoolean()).isFalse();
    assertThat(optional.at("/keysBelongTo").asString()).isEqualTo("everybody");
    assertThat(optional.at("/refusedAfter").asString()).isEqualTo("PT12H");
  }

  // ---- dialects

  @Test
  void stripeHasItsErrors() {
    JsonNode conflict = response("/charges", "409").at("/content/application~1json");

    assertThat(conflict.at("/schema/$ref").asString())
        .isEqualTo("#/components/schemas/IdempotencyStripeError");
    assertThat(resolved(conflict.at("/examples/in-progress")).at("/value/error/code").asString())
        .isEqualTo("idempotency_key_in_use");
    assertThat(
            document
                .at("/components/schemas/IdempotencyStripeError/properties/error/properties")
                .propertyNames())
        .containsExactlyInAnyOrder("type", "code", "message", "doc_url");
    assertThat(
            response("/charges", "400").at("/content/application~1json/examples").has("key-reused"))
        .isTrue();
    assertThat(operation("/charges", "post").at("/responses").has("422")).isFalse();
    assertThat(response("/charges", "409").at("/headers").propertyNames())
        .contains("Stripe-Should-Retry", "Idempotency-Key", "Retry-After");
    assertThat(response("/charges", "200").at("/headers").has("Idempotency-Key")).isTrue();
  }

  @Test
  void oasisHasItsHeaders() {
    assertThat(names(operation("/transfers", "post").at("/parameters")))
        .containsExactly(
            "Repeatability-Request-ID", "Repeatability-First-Sent", "Repeatability-Client-ID");
    assertThat(
            parameter("/transfers", "post", "Repeatability-First-Sent").at("/required").asBoolean())
        .isTrue();
    assertThat(
            parameter("/transfers", "post", "Repeatability-Client-ID").at("/required").asBoolean())
        .isFalse();
    assertThat(slugs("/transfers", "412")).containsExactly("stale-request");
    assertThat(response("/transfers", "200").at("/headers/Repeatability-Result/example").asString())
        .isEqualTo("accepted");
    assertThat(response("/transfers", "422").at("/headers/Repeatability-Result/example").asString())
        .isEqualTo("rejected");
  }

  // ---- methods

  @ParameterizedTest
  @CsvSource({
    "get, false",
    "head, false",
    "options, false",
    "post, true",
    "put, true",
    "patch, true",
    "delete, true"
  })
  void ofAHandlerOfAllMethodsTheUnsafeOnesAreProtected(String method, boolean isProtected) {
    JsonNode operation = operation("/any", method);

    assertThat(operation.isObject()).isTrue();
    assertThat(operation.has("x-idempotency")).isEqualTo(isProtected);
    assertThat(names(operation.at("/parameters")).contains("Idempotency-Key"))
        .isEqualTo(isProtected);
    assertThat(operation.at("/responses").has("422")).isEqualTo(isProtected);
  }

  // ---- reading

  private static JsonNode operation(String path, String method) {
    return document.at("/paths").path(path).path(method);
  }

  private static JsonNode response(String path, String status) {
    return operation(path, "post").at("/responses").path(status);
  }

  private static JsonNode body(String path, String mediaType) {
    return operation(path, "post").at("/requestBody/content").path(mediaType).at("/schema");
  }

  private static JsonNode parameter(String path, String method, String name) {
    return parameter(document, path, method, name);
  }

  private static JsonNode parameter(JsonNode document, String path, String method, String name) {
    for (JsonNode parameter : document.at("/paths").path(path).path(method).at("/parameters")) {
      if (parameter.at("/name").asString().equals(name)) {
        return parameter;
      }
    }
    throw new AssertionError("No parameter " + name + " of " + method + " " + path);
  }

  private static JsonNode resolved(JsonNode example) {
    return example.has("$ref") ? document.at(example.at("/$ref").asString().substring(1)) : example;
  }

  private static String detail(JsonNode example) {
    return resolved(example).at("/value/detail").asString();
  }

  private static List<String> names(JsonNode parameters) {
    List<String> names = new ArrayList<>();
    parameters.forEach(parameter -> names.add(parameter.at("/name").asString()));
    return names;
  }

  private static Set<String> slugs(String path, String status) {
    return new TreeSet<>(
        response(path, status).at("/content").path(PROBLEM).at("/examples").propertyNames());
  }
}
