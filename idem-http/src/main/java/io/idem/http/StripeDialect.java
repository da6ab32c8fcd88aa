package io.idem.http;

import io.idem.http.internal.Tokens;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** The spelling of Stripe's API. */
final class StripeDialect implements HttpDialect {

  static final HttpDialect INSTANCE = new StripeDialect();

  private static final String SHOULD_RETRY = "Stripe-Should-Retry";

  private static final JsonFactory JSON = new JsonFactory();

  private StripeDialect() {}

  @Override
  public String name() {
    return "stripe";
  }

  @Override
  public KeySource keySource(KeySyntax configured) {
    return KeySource.header(configured);
  }

  /** At Stripe a key belongs to one endpoint: at any other it is an idempotency_error. */
  @Override
  public String keySpace() {
    return name();
  }

  /** And so it is at another path of the same one. */
  @Override
  public PathScope pathScope() {
    return PathScope.MISUSE;
  }

  @Override
  public int statusOf(ProblemType type, int configured) {
    // Its clients know an idempotency_error by 400 and 404 only.
    return type == ProblemType.KEY_REUSED ? 400 : configured;
  }

  @Override
  public StoredResponse refusal(Problem problem, HttpRequestHead request) {
    List<HeaderField> headers = new ArrayList<>();
    headers.add(new HeaderField("Content-Type", "application/json"));
    problem.headers().stream()
        .filter(header -> !header.name().equals("Content-Type"))
        .forEach(headers::add);
    headers.add(new HeaderField(SHOULD_RETRY, String.valueOf(problem.type().retryable())));
    headers.addAll(echo(request));
    return new StoredResponse(problem.status(), headers, body(problem));
  }

  @Override
  public List<HeaderField> onFresh(HttpRequestHead request) {
    return echo(request);
  }

  @Override
  public List<HeaderField> onReplay(HttpRequestHead request) {
    return echo(request);
  }

  /** The key as it was sent, unless it is none: what else may be in a header is not repeated. */
  private static List<HeaderField> echo(HttpRequestHead request) {
    String name = KeySyntax.DEFAULT.headerName();
    List<String> lines = request.headerLines(name);
    return KeySyntax.DEFAULT
        .parse(lines)
        .fold(
            key -> List.of(new HeaderField(name, Tokens.strip(lines.get(0)))),
            missing -> List.of(),
            malformed -> List.of());
  }

  private static byte[] body(Problem problem) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
      json.writeStartObject();
      json.writeObjectPropertyStart("error");
      json.writeStringProperty("type", typeOf(problem));
      json.writeStringProperty("code", codeOf(problem.type()));
      json.writeStringProperty("message", problem.detail());
      json.writeStringProperty("doc_url", problem.typeUri());
      json.writeEndObject();
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  private static String typeOf(Problem problem) {
    return switch (problem.type()) {
      case KEY_REUSED, IN_PROGRESS, OUTCOME_UNKNOWN, ANSWER_NOT_STORED -> "idempotency_error";
      default -> problem.status() >= 500 ? "api_error" : "invalid_request_error";
    };
  }

  private static String codeOf(ProblemType type) {
    return type == ProblemType.IN_PROGRESS
        ? "idempotency_key_in_use"
        : type.slug().replace('-', '_');
  }

  @Override
  public String toString() {
    return "HttpDialect[" + name() + "]";
  }
}
