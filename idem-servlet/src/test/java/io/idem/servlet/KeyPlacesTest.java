package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.http.CallerScope;
import io.idem.http.HttpEndpoint;
import io.idem.http.KeySource;
import io.idem.http.RequestValue;
import io.idem.http.SourceCheck;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Point 4: the key in other places than its header, and source and number. */
class KeyPlacesTest extends ServerTest {

  private static final String FORM = "application/x-www-form-urlencoded;charset=UTF-8";

  // ---- members of JSON

  @Test
  void p04_theKeyMayBeAMember() throws Exception {
    server.protect("/pay", at("json:/order/no~1x"), KeyPlacesTest::echo);

    HttpResponse<byte[]> first = post(JSON, "{\"order\":{\"no/x\":\"k1\"},\"sum\":1}");
    HttpResponse<byte[]> repeat = post(JSON, "{\"sum\":1.0, \"order\":{\"no/x\":\"k1\"}}");
    HttpResponse<byte[]> other = post(JSON, "{\"order\":{\"no/x\":\"k2\"},\"sum\":1}");
    HttpResponse<byte[]> misuse = post(JSON, "{\"order\":{\"no/x\":\"k1\"},\"sum\":2}");

    assertThat(text(first)).as("the handler reads the body").contains("\"sum\":1");
    assertSame(first, repeat);
    assertThat(other.headers().firstValue("Idempotent-Replayed")).isEmpty();
    assertProblem(misuse, 422, "key-reused");
    assertThat(server.runs).hasValue(2);
  }

  @Test
  void p04_anIntegerMayBeTheKey() throws Exception {
    server.protect("/pay", at("json:/number"), (request, response) -> {});

    post(JSON, "{\"number\":4711}");

    assertReplayed(post(JSON, "{\"number\": 4711}"));
    assertProblem(post(JSON, "{\"number\":\"4711\"}"), 422, "key-reused");
    assertThat(post(JSON, "{\"number\":47110}").statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"number\":\"\"} | key-malformed | is empty",
        "{\"number\":null} | key-malformed | neither a string nor an integer",
        "{\"number\":1.5} | key-malformed | neither a string nor an integer",
        "{\"number\":{\"a\":1}} | key-malformed | neither a string nor an integer",
        "{\"number\":\"a\",\"number\":\"b\"} | key-malformed | several times",
        "{\"number\":\"a\\u0000s3cret\"} | key-malformed | control characters",
        "{\"number\":\"\\ud800\"} | key-malformed | Unicode",
        "{\"number\":\"s3cret\" | key-malformed | no JSON text",
        "{\"number\":\"a\"}{} | key-malformed | no JSON text",
        "{\"other\":1} | key-missing | the JSON member /number",
        "[{\"number\":\"a\"}] | key-missing | the JSON member /number",
        "4711 | key-missing | the JSON member /number",
      })
  void p04_aBodyWithoutAKeyIsRefusedAndNotEchoed(String body, String slug, String detail)
      throws Exception {
    server.protect("/pay", at("json:/number"), (request, response) -> {});

    HttpResponse<byte[]> refused = post(JSON, body);

    assertProblem(refused, 400, slug);
    assertThat(text(refused)).contains(detail).doesNotContain("s3cret");
    assertThat(server.runs).hasValue(0);
  }

  @Test
  void p04_aMemberIsBounded() throws Exception {
    server.protect("/pay", at("json:/number"), (request, response) -> {});

    assertThat(post(JSON, "{\"number\":\"" + "k".repeat(255) + "\"}").statusCode()).isEqualTo(200);
    assertProblem(post(JSON, "{\"number\":\"" + "k".repeat(256) + "\"}"), 400, "key-malformed");
  }

  /** A number that would fill the memory if it were expanded is no key. */
  @Test
  void p04_aNumberIsNotExpanded() throws Exception {
    server.protect("/pay", at("json:/number"), (request, response) -> {});

    assertProblem(post(JSON, "{\"number\":1E+500000000}"), 400, "key-malformed");
  }

  @Test
  void p04_anOptionalMemberThatIsMissingRunsUnprotectedAndLeavesTheBody() throws Exception {
    server.protect(
        "/pay", endpoint -> at("json:/number").apply(endpoint).keyOptional(), KeyPlacesTest::echo);

    for (int i = 0; i < 2; i++) {
      assertThat(text(post(JSON, "{\"sum\":1}"))).isEqualTo("{\"sum\":1}");
    }

    assertThat(server.runs).hasValue(2);
    post(JSON, "{\"number\":1}");
    assertReplayed(post(JSON, "{\"number\":1}"));
  }

  @Test
  void p04_theBodyOfNobodyIsNotRead() throws Exception {
    server.protect("/pay", at("json:/number"), (request, response) -> {});

    assertThat(server.raw(rawPost(null, "/pay", "Content-Type: application/json\r\n", "{")))
        .startsWith("HTTP/1.1 403 ")
        .contains("/idempotency/problems/caller-required");
  }

  // ---- form fields and path variables

  @Test
  void p04_theKeyMayBeAFormField() throws Exception {
    server.protect(
        "/pay",
        at("form:n\u00famber"),
        (request, response) -> response.getWriter().print(request.getParameter("sum")));

    HttpResponse<byte[]> first = post(FORM, "n%C3%BAmber=k1&sum=1");
    HttpResponse<byte[]> repeat = post(FORM, "sum=1&n%c3%bamber=k1");

    assertThat(text(first)).isEqualTo("1");
    assertSame(first, repeat);
    assertProblem(post(FORM, "n%C3%BAmber=k1&sum=2"), 422, "key-reused");
    assertProblem(post(FORM, "sum=1"), 400, "key-missing");
    assertProblem(post(FORM, "n%C3%BAmber=k1&n%C3%BAmber=k2"), 400, "key-malformed");
    assertProblem(post(FORM, "n%C3%BAmber="), 400, "key-malformed");
    assertThat(server.runs).hasValue(1);
  }

  /** Of methods whose forms the container leaves alone, the body is taken apart here. */
  @Test
  void p04_theKeyMayBeAFormFieldOfAnyMethod() throws Exception {
    server.protect(
        "/pay", endpoint -> at("form:number").apply(endpoint).methods("PUT"), KeyPlacesTest::echo);
    HttpRequest.Builder put =
        server.request("/pay").header("Content-Type", FORM).PUT(body("number=k%2B1&sum=1"));

    HttpResponse<byte[]> first = server.send(put);

    assertThat(text(first)).isEqualTo("number=k%2B1&sum=1");
    assertSame(first, server.send(put));
    assertProblem(server.send(put.copy().PUT(body("number=%zz"))), 400, "key-malformed");
  }

  @Test
  void p04_theKeyMayBeAFieldOfAMultipartForm() throws Exception {
    server.protect("/pay", at("form:number"), (request, response) -> {});

    post("multipart/form-data; boundary=one", form("one", "number", "k1", "sum", "1"));

    assertReplayed(
        post("multipart/form-data; boundary=two", form("two", "number", "k1", "sum", "1")));
    post("multipart/form-data; boundary=one", form("one", "number", "k2", "sum", "1"));
    assertThat(server.runs).hasValue(2);
  }

  /** Of a body that nothing takes apart, nobody can say that it has no key. */
  @Test
  void p04_aFieldThatCannotBeToldIsNotMissing() throws Exception {
    server.protect(
        "/plain/pay",
        endpoint -> at("form:number").apply(endpoint).keyOptional(),
        (request, response) -> {});
    String type = "multipart/form-data; boundary=one";

    assertProblem(
        server.send(
            server
                .request("/plain/pay")
                .header("Content-Type", type)
                .POST(body(form("one", "number", "k1")))),
        400,
        "key-malformed");
    assertThat(server.runs).hasValue(0);
  }

  /** Handlers are given the parameter of the URL, and not the field that is the key. */
  @ParameterizedTest
  @CsvSource({"true, ''", "false, ''", "true, number=k2&", "false, number=k2&"})
  void p04_aFieldIsInTheBodyAlone(boolean optional, String ofBody) throws Exception {
    server.protect(
        "/pay",
        endpoint -> {
          HttpEndpoint.Builder built = at("form:number").apply(endpoint);
          return optional ? built.keyOptional() : built;
        },
        (request, response) -> {});
    HttpRequest.Builder simple =
        server
            .request("/pay?n%75mber=k1")
            .header("Content-Type", FORM)
            .POST(body(ofBody + "sum=1"));
    HttpRequest.Builder multipart =
        server
            .request("/pay?number=k1")
            .header("Content-Type", "multipart/form-data; boundary=one")
            .POST(
                body(
                    ofBody.isEmpty()
                        ? form("one", "sum", "1")
                        : form("one", "number", "k2", "sum", "1")));

    assertProblem(server.send(simple), 400, "key-malformed");
    assertProblem(server.send(multipart), 400, "key-malformed");
    assertThat(server.runs).hasValue(0);
  }

  /** Whatever the URL says that a request had before it was forwarded. */
  @ParameterizedTest
  @ValueSource(strings = {"sum=1", "sum=1&number=k2"})
  void p04_aFieldIsNotInTheUrlOfAForwardedRequest(String ofBody) throws Exception {
    server.protect("/pay", at("form:number"), (request, response) -> {});
    for (String target : new String[] {"/pay", "/pay?other=1"}) {
      server.open(
          "/from",
          (request, response) -> request.getRequestDispatcher(target).forward(request, response));
      HttpResponse<byte[]> refused =
          server.send(
              server.request("/from?number=k1").header("Content-Type", FORM).POST(body(ofBody)));

      assertThat(refused.statusCode()).as(target).isEqualTo(400);
    }
    assertThat(server.runs).as("of what forwards").hasValue(2);
  }

  @Test
  void p04_theKeyMayBeAPathVariable() throws Exception {
    server.protect("/pay", at("path:number"), (request, response) -> {});
    server.before(
        (request, response) -> {
          String number = request.getHeader("Test-Variable");
          if (number != null) {
            PathVariables.put(request, Map.of("number", number));
          }
        });

    HttpRequest.Builder first = server.request("/pay").header("Test-Variable", "1").POST(body(""));
    server.send(first);

    assertReplayed(server.send(first));
    server.send(first.copy().setHeader("Test-Variable", "2"));
    assertThat(server.runs).hasValue(2);
    assertProblem(server.send(server.request("/pay").POST(body(""))), 400, "key-missing");
  }

  // ---- source and number

  @Test
  void p04_sourceAndNumberAreTheIdentity() throws Exception {
    server.protect(
        "/pay", numbered("json:/system", "json:/number", SourceCheck.any()), KeyPlacesTest::echo);

    HttpResponse<byte[]> first = post(JSON, "{\"system\":\"erp\",\"number\":4711}");

    assertSame(first, post(JSON, "{\"number\":4711,\"system\":\"erp\"}"));
    post(JSON, "{\"system\":\"shop\",\"number\":4711}");
    post(JSON, "{\"system\":\"erp\",\"number\":4712}");
    assertThat(server.runs).hasValue(3);
    assertProblem(post(JSON, "{\"system\":\"erp\",\"number\":4711,\"sum\":1}"), 422, "key-reused");
  }

  /** The two cannot run into each other. */
  @Test
  void p04_sourceAndNumberStayApart() throws Exception {
    server.protect(
        "/pay", numbered("json:/s", "json:/n", SourceCheck.any()), (request, response) -> {});

    post(JSON, "{\"s\":\"a1\",\"n\":\"1\"}");
    post(JSON, "{\"s\":\"a\",\"n\":\"11\"}");

    assertThat(server.runs).hasValue(2);
  }

  @Test
  void p04_sourceAndNumberMayBeHeaders() throws Exception {
    server.protect(
        "/pay",
        numbered("header:X-System", "header:X-Number", SourceCheck.any()),
        (request, response) -> {});
    HttpRequest.Builder request =
        server
            .request("/pay")
            .header("X-System", "\"ERP north\"")
            .header("X-Number", "4711")
            .POST(body(""));

    server.send(request);

    assertReplayed(server.send(request));
    assertProblem(server.send(request.copy().setHeader("X-Number", "a b")), 400, "key-malformed");
  }

  @Test
  void p04_aSourceIsItsCallersOwn() throws Exception {
    server.protect(
        "/pay",
        numbered("json:/s", "json:/n", SourceCheck.any()),
        (request, response) -> response.getWriter().print(request.getUserPrincipal().getName()));
    HttpRequest.Builder request =
        server
            .request("/pay")
            .header("Content-Type", JSON)
            .POST(body("{\"s\":\"erp\",\"n\":4711}"));

    server.send(request);
    HttpResponse<byte[]> bobs = server.send(request.copy().setHeader("Test-User", "bob"));

    assertThat(text(bobs)).isEqualTo("bob");
    assertThat(server.runs).hasValue(2);
  }

  @Test
  void p04_aForeignSourceIsRefused() throws Exception {
    server.protect(
        "/pay",
        numbered("json:/s", "json:/n", (caller, source) -> source.equals("erp-of-" + caller)),
        (request, response) -> {});

    assertProblem(post(JSON, "{\"s\":\"erp-of-bob\",\"n\":4711}"), 403, "source-foreign");
    assertThat(server.runs).hasValue(0);
    assertThat(post(JSON, "{\"s\":\"erp-of-alice\",\"n\":4711}").statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void p04_bothAreRequired(boolean optional) throws Exception {
    server.protect(
        "/pay",
        endpoint -> {
          HttpEndpoint.Builder built =
              numbered("json:/system", "json:/number", SourceCheck.any()).apply(endpoint);
          return optional ? built.keyOptional() : built;
        },
        (request, response) -> {});

    HttpResponse<byte[]> noNumber = post(JSON, "{\"system\":\"erp\"}");
    HttpResponse<byte[]> noSystem = post(JSON, "{\"number\":4711}");

    assertProblem(noNumber, 400, "key-missing");
    assertThat(text(noNumber)).contains("lacks the JSON member /number");
    assertProblem(noSystem, 400, "key-missing");
    assertThat(text(noSystem)).contains("lacks the JSON member /system");
    assertThat(post(JSON, "{}").statusCode()).isEqualTo(optional ? 200 : 400);
  }

  @Test
  void p04_aSourceNeedsACaller() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                server.protect(
                    "/pay",
                    endpoint ->
                        numbered("json:/s", "json:/n", SourceCheck.any())
                            .apply(endpoint)
                            .callerScope(CallerScope.SHARED),
                    (request, response) -> {}))
        .withMessageContaining("CallerScope.CALLER");
  }

  private static UnaryOperator<HttpEndpoint.Builder> at(String place) {
    return endpoint -> endpoint.keySource(KeySource.at(RequestValue.parse(place), 255));
  }

  private static UnaryOperator<HttpEndpoint.Builder> numbered(
      String source, String number, SourceCheck check) {
    return endpoint ->
        endpoint.keySource(
            KeySource.sourceAndNumber(
                RequestValue.parse(source), RequestValue.parse(number), 255, check));
  }

  private static void echo(
      jakarta.servlet.http.HttpServletRequest request,
      jakarta.servlet.http.HttpServletResponse response)
      throws Exception {
    response
        .getWriter()
        .print(new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
  }

  private HttpResponse<byte[]> post(String type, String body) throws Exception {
    return server.send(server.request("/pay").header("Content-Type", type).POST(body(body)));
  }
}
