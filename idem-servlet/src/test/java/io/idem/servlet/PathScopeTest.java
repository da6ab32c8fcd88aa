package io.idem.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.http.PathScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Point 9: what a key is to another path of one operation. */
class PathScopeTest extends ServerTest {

  @Test
  void p09_anotherPathIsAnotherOperation() throws Exception {
    server.protect(
        "/orders/1/pay",
        (request, response) -> response.getWriter().print("paid " + request.getRequestURI()));
    server.alias("/orders/1/pay", "/orders/2/pay");

    server.post("/orders/1/pay", "k");
    assertThat(TestServer.text(server.post("/orders/2/pay", "k"))).isEqualTo("paid /orders/2/pay");

    assertThat(server.runs).hasValue(2);
    assertReplayed(server.post("/orders/1/pay", "k"));
    assertReplayed(server.post("/orders/2/pay", "k"));
  }

  @Test
  void p09_anotherPathIsMisuseWhereTheEndpointSaysSo() throws Exception {
    server.protect(
        "/orders/1/pay",
        endpoint -> endpoint.pathScope(PathScope.MISUSE),
        (request, response) -> {});
    server.alias("/orders/1/pay", "/orders/2/pay");

    server.post("/orders/1/pay", "k");

    assertProblem(server.post("/orders/2/pay", "k"), 422, "key-reused");
    assertThat(server.runs).hasValue(1);
    assertReplayed(server.post("/orders/1/pay", "k"));
  }

  @Test
  void p09_anotherEndpointIsMisuseWhereTheyShareTheirKeys() throws Exception {
    for (String path : new String[] {"/orders", "/refunds"}) {
      server.protect(
          path, operation -> operation.keySpace("shop"), endpoint -> endpoint, (in, out) -> {});
    }
    server.protect("/apart", (request, response) -> {});
    server.alias("/orders", "/orders/2");

    server.post("/orders", "k");

    assertProblem(server.post("/refunds", "k"), 422, "key-reused");
    assertProblem(server.post("/orders/2", "k"), 422, "key-reused");
    assertReplayed(server.post("/orders", "k"));
    assertThat(server.runs).hasValue(1);
    assertThat(server.post("/apart", "k").statusCode()).isEqualTo(200);
    assertThat(server.runs).hasValue(2);
  }

  @Test
  void p09_sharedKeysThatAreApartByPathAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                server.protect(
                    "/pay",
                    operation -> operation.keySpace("shop"),
                    endpoint -> endpoint.pathScope(PathScope.SEPARATE),
                    (request, response) -> {}))
        .withMessageContainingAll("'POST /pay'", "'shop'", "SEPARATE");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/p%61y/a%20b",
        "/pay/a%20b;x=1",
        "/pay;x=1/a%20b",
        "/pay/./a%20b",
        "/x/../pay/a%20b",
        "/pay//a%20b",
        "/pay/a%20b/",
      })
  void p09_noSpellingOfThePathRunsTwice(String spelling) throws Exception {
    server.protect("/pay/a%20b", (request, response) -> {});
    server.alias("/pay/a%20b", spelling);

    assertThat(server.post("/pay/a%20b", "k").statusCode()).isEqualTo(200);

    assertThat(server.raw(rawPost(spelling, "Idempotency-Key: k\r\n", "{}")))
        .startsWith("HTTP/1.1 422 ")
        .contains("/idempotency/problems/key-reused");
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p09_aLongPathIsStillItsOwn() throws Exception {
    String path = "/pay/" + "x".repeat(2000);
    server.protect("/pay", (request, response) -> {});
    server.alias("/pay", path, path + "y");

    server.post(path, "k");
    server.post(path + "y", "k");

    assertThat(server.runs).hasValue(2);
    assertReplayed(server.post(path, "k"));
  }
}
