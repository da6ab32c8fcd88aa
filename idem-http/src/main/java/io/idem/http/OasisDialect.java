package io.idem.http;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The spelling of OASIS Repeatable Requests. */
final class OasisDialect implements HttpDialect {

  static final HttpDialect INSTANCE = new OasisDialect();

  private static final String RESULT = "Repeatability-Result";
  private static final List<HeaderField> ACCEPTED = List.of(new HeaderField(RESULT, "accepted"));
  private static final List<HeaderField> REJECTED = List.of(new HeaderField(RESULT, "rejected"));

  private OasisDialect() {}

  @Override
  public String name() {
    return "oasis";
  }

  @Override
  public KeySource keySource(KeySyntax configured) {
    return new RepeatabilityHeaders(configured);
  }

  /** Remembers requests as long as their records are kept. */
  @Override
  public StaleGuard staleGuard(Duration retention) {
    // A client whose clock is ahead looks younger than its record.
    Duration half = retention.dividedBy(2);
    Duration ahead = half.compareTo(StaleGuard.DEFAULT_AHEAD) < 0 ? half : StaleGuard.DEFAULT_AHEAD;
    return new StaleGuard(retention.minus(ahead), ahead, true);
  }

  @Override
  public int statusOf(ProblemType type, int configured) {
    return configured;
  }

  @Override
  public StoredResponse refusal(Problem problem, HttpRequestHead request) {
    List<HeaderField> headers = new ArrayList<>(problem.headers());
    headers.addAll(
        switch (problem.type()) {
          // The id is known and stands for this very request, whose effect is there at most once.
          case IN_PROGRESS, OUTCOME_UNKNOWN, ANSWER_NOT_STORED -> ACCEPTED;
          default -> REJECTED;
        });
    return new StoredResponse(problem.status(), headers, problem.toJson());
  }

  @Override
  public List<HeaderField> onFresh(HttpRequestHead request) {
    return ACCEPTED;
  }

  @Override
  public List<HeaderField> onReplay(HttpRequestHead request) {
    return ACCEPTED;
  }

  @Override
  public String toString() {
    return "HttpDialect[" + name() + "]";
  }
}
