package io.idem.http;

/** The IETF draft's spelling. */
final class IetfDialect implements HttpDialect {

  static final HttpDialect INSTANCE = new IetfDialect();

  private IetfDialect() {}

  @Override
  public String name() {
    return "ietf";
  }

  @Override
  public KeySource keySource(KeySyntax configured) {
    return KeySource.header(configured);
  }

  @Override
  public int statusOf(ProblemType type, int configured) {
    return configured;
  }

  @Override
  public StoredResponse refusal(Problem problem, HttpRequestHead request) {
    return new StoredResponse(problem.status(), problem.headers(), problem.toJson());
  }

  @Override
  public String toString() {
    return "HttpDialect[" + name() + "]";
  }
}
