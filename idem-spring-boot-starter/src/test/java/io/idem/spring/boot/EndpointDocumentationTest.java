package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.http.EndpointContract;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.KeySource;
import io.idem.http.RequestValue;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.Paths;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.HeaderParameter;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.web.method.HandlerMethod;

/** What the protection adds to a document, and what it leaves as the application has it. */
class EndpointDocumentationTest {

  /** Whose endpoints the test gives. */
  private static final HandlerMethod HANDLER =
      new HandlerMethod(new Object(), Object.class.getMethods()[0]);

  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final HttpIdempotency protocol = new HttpIdempotency();
  private final OpenAPI document = new OpenAPI().components(new Components()).paths(new Paths());

  @AfterEach
  void close() {
    engine.close();
  }

  private HttpEndpoint endpoint(String name, UnaryOperator<HttpEndpoint.Builder> set) {
    return set.apply(HttpEndpoint.builder(HttpIdempotency.operation(engine, name).build())).build();
  }

  /** Describes one operation, at a path of its own. */
  private Operation describe(Operation operation, HttpEndpoint... endpoints) {
    if (operation.getResponses() == null) {
      operation.setResponses(new ApiResponses());
    }
    document
        .getPaths()
        .addPathItem("/" + operation.getOperationId(), new PathItem().post(operation));
    List<HttpEndpoint> left = new ArrayList<>(List.of(endpoints));
    EndpointDocumentation documentation =
        new EndpointDocumentation(
            handler -> Optional.of(left.remove(0)),
            endpoint -> {
              if (endpoint.operation().name().startsWith("broken")) {
                throw new IllegalStateException("A dialect does not like the example");
              }
              return EndpointContract.of(protocol, endpoint, "");
            });
    for (int i = 0; i < endpoints.length; i++) {
      documentation.customize(operation, HANDLER);
    }
    documentation.customise(document);
    return operation;
  }

  private Operation describe(Operation operation, UnaryOperator<HttpEndpoint.Builder> set) {
    return describe(operation, endpoint("pay", set));
  }

  private static Operation operation() {
    return new Operation().operationId("pay");
  }

  // ---- what is shared

  @Test
  void aResponseThatIsNotInTheDocumentStaysAReference() {
    ApiResponse elsewhere = new ApiResponse().$ref("https://example.com/api.json#/responses/Busy");
    ApiResponse missing = new ApiResponse().$ref("#/components/responses/Missing");

    Operation described =
        describe(
            operation()
                .responses(
                    new ApiResponses()
                        .addApiResponse("201", missing)
                        .addApiResponse("409", elsewhere)),
            set -> set);

    assertThat(described.getResponses().get("201")).isSameAs(missing);
    assertThat(described.getResponses().get("409"))
        .isEqualTo(new ApiResponse().$ref("https://example.com/api.json#/responses/Busy"));
    assertThat(described.getResponses().get("422").getContent()).isNotEmpty();
  }

  @Test
  void aParameterThatManyOperationsHaveIsChangedForNone() {
    Parameter shared =
        new HeaderParameter().name("Idempotency-Key").schema(new StringSchema().pattern("k.*"));

    Operation described = describe(operation().addParametersItem(shared), set -> set);

    assertThat(shared)
        .isEqualTo(
            new HeaderParameter()
                .name("Idempotency-Key")
                .schema(new StringSchema().pattern("k.*")));
    assertThat(described.getParameters())
        .singleElement()
        .satisfies(
            key -> {
              assertThat(key.getIn()).isEqualTo("header");
              assertThat(key.getRequired()).isTrue();
              assertThat(key.getSchema()).isInstanceOf(StringSchema.class);
              assertThat(key.getSchema().getPattern()).isEqualTo("k.*");
              assertThat(key.getSchema().getMaxLength()).isEqualTo(255);
            });
  }

  @Test
  void aParameterInAListThatCannotBeChangedIsDescribed() {
    Parameter shared = new HeaderParameter().name("idempotency-key");

    Operation described = describe(operation().parameters(List.of(shared)), set -> set);

    assertThat(shared.getRequired()).isNull();
    assertThat(described.getParameters())
        .singleElement()
        .satisfies(key -> assertThat(key.getRequired()).isTrue());
  }

  private static RequestBody invoice() {
    return new RequestBody()
        .description("An invoice")
        .content(
            new Content()
                .addMediaType(
                    "application/json",
                    new MediaType().schema(new Schema<>().$ref("#/components/schemas/Invoice"))));
  }

  private static HttpEndpoint.Builder byNumber(HttpEndpoint.Builder set) {
    return set.keySource(KeySource.at(new RequestValue.Member("/number"), 40));
  }

  private static void assertDemandsNumber(RequestBody body) {
    assertThat(body.get$ref()).isNull();
    assertThat(body.getDescription()).isEqualTo("An invoice");
    assertThat(body.getRequired()).isTrue();
    List<?> all = body.getContent().get("application/json").getSchema().getAllOf();
    assertThat(all).hasSize(2);
    assertThat((Schema<?>) all.get(0))
        .extracting(Schema::get$ref)
        .isEqualTo("#/components/schemas/Invoice");
    assertThat(((Schema<?>) all.get(1)).getProperties()).containsOnlyKeys("number");
  }

  @Test
  void aBodyThatManyOperationsReferToIsChangedForNone() {
    document.getComponents().addRequestBodies("Invoice", invoice());

    Operation described =
        describe(
            operation().requestBody(new RequestBody().$ref("#/components/requestBodies/Invoice")),
            EndpointDocumentationTest::byNumber);

    assertThat(document.getComponents().getRequestBodies().get("Invoice")).isEqualTo(invoice());
    assertDemandsNumber(described.getRequestBody());
  }

  @Test
  void aBodyThatManyOperationsHaveIsChangedForNone() {
    RequestBody shared = invoice();

    Operation described =
        describe(operation().requestBody(shared), EndpointDocumentationTest::byNumber);

    assertThat(shared).isEqualTo(invoice());
    assertDemandsNumber(described.getRequestBody());
  }

  @Test
  void aBodyThatIsNotInTheDocumentStaysAReference() {
    RequestBody missing = new RequestBody().$ref("#/components/requestBodies/Missing");

    Operation described =
        describe(operation().requestBody(missing), EndpointDocumentationTest::byNumber);

    assertThat(described.getRequestBody())
        .isEqualTo(new RequestBody().$ref("#/components/requestBodies/Missing"));
  }

  // ---- what is the application's

  @Test
  void anExtensionOfTheApplicationsOwnStays() {
    Operation own = operation();
    own.addExtension("x-idempotency", "see our handbook");

    Operation described = describe(own, set -> set);

    assertThat(described.getExtensions()).isEqualTo(Map.of("x-idempotency", "see our handbook"));
    assertThat(described.getResponses()).containsKey("422");
  }

  @Test
  void anEndpointThatCannotBeDescribedTakesTheDocumentFromNoOther() {
    Operation broken = describe(operation().operationId("broken"), endpoint("broken", set -> set));
    Operation half =
        describe(operation(), endpoint("broken-too", set -> set), endpoint("pay", set -> set));

    assertThat(broken.getExtensions()).isNull();
    assertThat(half.getExtensions()).containsOnlyKeys("x-idempotency");
    assertThat(half.getResponses()).containsKey("422");
  }
}
