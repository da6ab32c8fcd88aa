package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.HeaderField;
import io.idem.http.HttpDialect;
import io.idem.http.HttpRequestHead;
import io.idem.http.KeySource;
import io.idem.http.KeySyntax;
import io.idem.http.Problem;
import io.idem.http.ProblemType;
import io.idem.http.StoredResponse;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An endpoint whose clients expect another spelling of the protocol. */
class DialectTest extends ServerTest {

  @Test
  void p04_aDialectSpellsKeysAnswersAndRefusals() throws Exception {
    server.protect(
        "/pay",
        endpoint -> endpoint.dialect(new Plain()),
        (request, response) -> response.getWriter().print("paid"));
    HttpRequest.Builder request =
        server.request("/pay").header("X-Operation", "k").POST(body("one"));

    HttpResponse<byte[]> first = server.send(request);
    HttpResponse<byte[]> repeat = server.send(request);
    HttpResponse<byte[]> reused = server.send(request.copy().POST(body("other")));
    HttpResponse<byte[]> withoutKey = server.post("/pay", "k");

    assertThat(text(first)).isEqualTo("paid");
    assertThat(first.headers().allValues("X-Result")).containsExactly("accepted");
    assertSame(first, repeat);
    assertThat(repeat.headers().allValues("X-Result")).containsExactly("repeated");
    assertThat(reused.statusCode()).isEqualTo(400);
    assertThat(text(reused)).isEqualTo("alas, key-reused for /pay");
    assertThat(withoutKey.statusCode()).isEqualTo(400);
    assertThat(text(withoutKey)).isEqualTo("alas, key-missing for /pay");
    assertThat(server.runs).hasValue(1);
  }

  private static final class Plain implements HttpDialect {

    @Override
    public String name() {
      return "plain";
    }

    @Override
    public KeySource keySource(KeySyntax configured) {
      return KeySource.header(configured.in("X-Operation"));
    }

    @Override
    public int statusOf(ProblemType type, int configured) {
      return type == ProblemType.KEY_REUSED ? 400 : configured;
    }

    @Override
    public StoredResponse refusal(Problem problem, HttpRequestHead request) {
      String text = "alas, " + problem.type().slug() + " for " + request.path();
      return new StoredResponse(problem.status(), List.of(), text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public List<HeaderField> onFresh(HttpRequestHead request) {
      return List.of(new HeaderField("X-Result", "accepted"));
    }

    @Override
    public List<HeaderField> onReplay(HttpRequestHead request) {
      return List.of(new HeaderField("X-Result", "repeated"));
    }
  }
}
