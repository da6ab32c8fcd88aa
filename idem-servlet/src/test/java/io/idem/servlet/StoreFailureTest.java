package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Point 35: a store that is down. */
class StoreFailureTest extends ServerTest {

  @Test
  void p35_aStoreThatIsDownRefusesAndRunsNothing() throws Exception {
    server.protect("/pay", (request, response) -> {});
    store.claimsFail = true;

    HttpResponse<byte[]> refused = server.post("/pay", "k");

    assertProblem(refused, 503, "store-unavailable");
    assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    assertThat(server.runs).hasValue(0);
  }

  @Test
  void p35_aStoreThatIsDownAtCompletionDeliversAndDoesNotRunAgain() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ZERO),
        endpoint -> endpoint,
        (request, response) -> response.getWriter().print("paid"));
    store.completionsFail = true;

    assertThat(text(server.post("/pay", "k"))).isEqualTo("paid");
    assertProblem(server.post("/pay", "k"), 409, "in-progress");
    assertThat(server.runs).hasValue(1);
    store.completionsFail = false;
  }
}
