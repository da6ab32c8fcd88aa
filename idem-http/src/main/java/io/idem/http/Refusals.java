package io.idem.http;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Makes problems, with the URIs that document them. Immutable and thread-safe. */
final class Refusals {

  private final String base;

  Refusals(String base) {
    if (base.isEmpty() || base.endsWith("/")) {
      throw new IllegalArgumentException(
          "The base of problem types is a path or URI without a slash at its end, for example "
              + HttpIdempotency.DEFAULT_PROBLEM_BASE);
    }
    this.base = base;
  }

  String base() {
    return base;
  }

  HttpAnswer refuse(HttpEndpoint endpoint, ProblemType type, String detail) {
    return refuse(endpoint, type, detail, null);
  }

  HttpAnswer refuse(
      HttpEndpoint endpoint, ProblemType type, String detail, @Nullable Duration retryAfter) {
    return new HttpAnswer.Refusal(problem(type, endpoint.statusOf(type), detail, retryAfter));
  }

  Problem problem(ProblemType type, int status, String detail, @Nullable Duration retryAfter) {
    return new Problem(type, base + "/" + type.slug(), status, type.title(), detail, retryAfter);
  }
}
