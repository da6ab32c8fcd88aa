package io.idem.interop;

import io.idem.http.HeaderField;
import io.idem.http.HttpDialect;
import io.idem.http.HttpRequestHead;
import io.idem.http.KeySource;
import io.idem.http.KeySyntax;
import io.idem.http.Problem;
import io.idem.http.ProblemType;
import io.idem.http.StoredResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.rest.responses.ErrorResponse;
import org.apache.iceberg.rest.responses.ErrorResponseParser;

/**
 * How an Iceberg catalog speaks, as an application would write it: a dialect that Idem does not
 * bring along.
 */
final class IcebergDialect implements HttpDialect {

  @Override
  public String name() {
    return "iceberg";
  }

  @Override
  public KeySource keySource(KeySyntax configured) {
    return KeySource.header(configured);
  }

  /**
   * Its clients take 409 for a conflict of the catalog: a table that exists, a commit to begin
   * anew. 503 has them wait and send the request again, 422 has them give up.
   */
  @Override
  public int statusOf(ProblemType type, int configured) {
    return switch (type) {
      case IN_PROGRESS -> 503;
      case OUTCOME_UNKNOWN, ANSWER_NOT_STORED -> 422;
      default -> configured;
    };
  }

  @Override
  public StoredResponse refusal(Problem problem, HttpRequestHead request) {
    List<HeaderField> headers = new ArrayList<>();
    headers.add(new HeaderField("Content-Type", "application/json"));
    problem.headers().stream()
        .filter(header -> !header.name().equals("Content-Type"))
        .forEach(headers::add);
    String body =
        ErrorResponseParser.toJson(
            ErrorResponse.builder()
                .responseCode(problem.status())
                .withType(problem.type().slug())
                .withMessage(problem.detail())
                .build());
    return new StoredResponse(problem.status(), headers, body.getBytes(StandardCharsets.UTF_8));
  }
}
