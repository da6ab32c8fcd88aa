package io.idem.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.http.BodyFields;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Point 10: an endpoint may name the fields that count. */
class NamedFieldsTest extends ServerTest {

  private static final String FORM = "application/x-www-form-urlencoded;charset=UTF-8";

  @BeforeEach
  void protect() {
    server.protect(
        "/pay",
        endpoint ->
            endpoint.comparing(
                BodyFields.parse("json:/order/number", "json:/sum", "form:sum", "header:X-Unit")),
        (request, response) -> {});
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"order\":{\"number\":1,\"note\":\"other\"},\"sum\":[1,{\"a\":2}],\"sent\":\"now\"}",
        "{\"sum\":[1.0, {\"a\":20e-1}],\"order\":{\"number\":1}}",
        "{\"sum\":[1,{\"a\":2}],\"order\":{\"x\":[{\"number\":7}],\"number\":1},\"number\":3}",
      })
  void p10_onlyTheNamedFieldsCount(String body) throws Exception {
    server.post("/pay", "k", JSON, "{\"order\":{\"number\":1},\"sum\":[1,{\"a\":2}]}");

    assertReplayed(server.post("/pay", "k", JSON, body));
    assertThat(server.runs).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"order\":{\"number\":2},\"sum\":1}",
        "{\"order\":{\"number\":\"1\"},\"sum\":1}",
        "{\"order\":{\"number\":1}}",
        "{\"order\":{\"number\":1},\"sum\":null}",
        "{\"order\":{\"number\":1},\"sum\":[1]}",
        "{\"order\":{},\"sum\":1}",
        "{\"order\":1,\"sum\":1}",
        "{\"order\":{\"number\":1},\"order\":{\"number\":1},\"sum\":1}",
        "{\"order\":{\"number\":1},\"sum\":1,\"sum\":1}",
        "{\"order\":{\"number\":1},\"sum\":1",
        "{\"order\":{\"number\":1},\"sum\":1} {}",
        "1",
        "",
      })
  void p10_aNamedFieldThatDiffersIsMisuse(String body) throws Exception {
    server.post("/pay", "k", JSON, "{\"order\":{\"number\":1},\"sum\":1}");

    assertProblem(server.post("/pay", "k", JSON, body), 422, "key-reused");
    assertThat(server.runs).hasValue(1);
  }

  @ParameterizedTest
  @CsvSource({"/pay?x=1, application/json", "/pay, application/vnd.x+json"})
  void p10_theRestOfTheRequestCountsAllTheSame(String path, String type) throws Exception {
    server.post("/pay", "k", JSON, "{\"sum\":1}");

    assertProblem(server.post(path, "k", type, "{\"sum\":1}"), 422, "key-reused");
  }

  @Test
  void p10_fieldsOfFormsMayBeNamed() throws Exception {
    server.post("/pay", "k", FORM, "sum=1&note=a");

    assertReplayed(server.post("/pay", "k", FORM, "note=b&sum=1"));
    assertProblem(server.post("/pay", "k", FORM, "sum=2&note=a"), 422, "key-reused");
    assertProblem(server.post("/pay", "k", FORM, "sum=1&sum=1"), 422, "key-reused");
    assertProblem(server.post("/pay", "k", FORM, "note=a"), 422, "key-reused");
  }

  @Test
  void p10_fieldsOfMultipartFormsMayBeNamed() throws Exception {
    multipart("/pay", "one", "sum", "1", "note", "a");

    assertReplayed(multipart("/pay", "two", "note", "b", "sum", "1"));
    assertProblem(multipart("/pay", "one", "sum", "2", "note", "a"), 422, "key-reused");
    assertProblem(multipart("/pay", "one", "sum", "1", "sum", "1"), 422, "key-reused");
    assertProblem(multipart("/pay", "one", "note", "a"), 422, "key-reused");
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p10_aFileMayBeNamed() throws Exception {
    server.protect(
        "/upload",
        endpoint -> endpoint.comparing(BodyFields.parse("form:file")),
        (request, response) -> {});
    upload("/upload", "one", "content");

    assertReplayed(upload("/upload", "two", "content"));
    assertProblem(upload("/upload", "one", "other"), 422, "key-reused");
  }

  /** What nothing takes apart counts whole. */
  @Test
  void p10_fieldsThatNobodyCanTellCountWhole() throws Exception {
    server.protect(
        "/plain/pay",
        endpoint -> endpoint.comparing(BodyFields.parse("form:sum")),
        (request, response) -> {});
    multipart("/plain/pay", "one", "sum", "1", "note", "a");

    assertReplayed(multipart("/plain/pay", "two", "sum", "1", "note", "a"));
    assertProblem(multipart("/plain/pay", "one", "sum", "1", "note", "b"), 422, "key-reused");
  }

  private HttpResponse<byte[]> multipart(String path, String boundary, String... namesAndValues)
      throws Exception {
    return server.post(
        path, "k", "multipart/form-data; boundary=" + boundary, form(boundary, namesAndValues));
  }

  @Test
  void p10_headersMayBeNamed() throws Exception {
    HttpRequest.Builder request =
        server
            .request("/pay")
            .header("Idempotency-Key", "k")
            .header("Content-Type", JSON)
            .header("X-Unit", "EUR")
            .POST(body("{\"sum\":1}"));
    server.send(request);

    assertReplayed(server.send(request.copy().header("X-Other", "1")));
    HttpResponse<byte[]> other = server.send(request.copy().setHeader("X-Unit", "USD"));
    assertProblem(other, 422, "key-reused");
  }

  /** Nothing would be left to compare. */
  @ParameterizedTest
  @ValueSource(strings = {"text/plain", "multipart/mixed; boundary=b"})
  void p10_aBodyWithoutFieldsCountsWhole(String type) throws Exception {
    server.post("/pay", "k", type, "one");

    assertReplayed(server.post("/pay", "k", type, "one"));
    assertProblem(server.post("/pay", "k", type, "other"), 422, "key-reused");
  }

  @ParameterizedTest
  @ValueSource(strings = {"header:X-Unit", "path:id", "json:order", "body:x", "number"})
  void p10_whatNamesNoFieldIsRefused(String place) {
    assertThatIllegalArgumentException().isThrownBy(() -> BodyFields.parse(place));
  }
}
