package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a key is scoped to is a part of its identity, which is stored. */
class IntakeTest {

  private final Intake intake =
      new Intake(
          new Refusals(HttpIdempotency.DEFAULT_PROBLEM_BASE),
          InstantSource.system(),
          UnprotectedKeys.IGNORE);
  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final HttpEndpoint.Builder pay =
      HttpEndpoint.builder(HttpIdempotency.operation(engine, "pay").build());
  private final HttpEndpoint separate = pay.pathScope(PathScope.SEPARATE).build();
  private final HttpEndpoint across = pay.pathScope(PathScope.MISUSE).build();

  @AfterEach
  void close() {
    engine.close();
  }

  /** These lines never change. */
  @ParameterizedTest
  @CsvSource({
    "alice, '', /pay, 5:alice, 5:alice/pay",
    "alice, bank, /pay, 5:alice4:bank, 5:alice4:bank/pay",
    "'', '', /pay, 0:, 0:/pay",
    "é😀, '', /é, 3:é😀, 3:é😀/é",
    "4:bank, 5:alice, /1:a, 6:4:bank7:5:alice, 6:4:bank7:5:alice/1:a"
  })
  void scopesAreAStoredFormat(
      String caller, String source, String path, String ofAnyPath, String ofPath) {
    assertThat(scope(across, caller, source, path)).isEqualTo(ofAnyPath);
    assertThat(scope(separate, caller, source, path)).isEqualTo(ofPath);
  }

  @Test
  void aPathThatDoesNotFitCountsByItsDigest() {
    String fits = "/" + "r".repeat(1_024 - "5:alice/".length());

    assertThat(scope(separate, "alice", "", fits)).isEqualTo("5:alice" + fits).hasSize(1_024);
    assertThat(scope(separate, "alice", "", "/" + "r".repeat(1_023)))
        .isEqualTo("5:alice//be5de810f2f43abff1363a674c738d15b196fd4ed41d42bb5d21045ddeb9c2e6");
  }

  @Test
  void noTwoScopesMeetHoweverTheyAreCut() {
    List<String> parts = List.of("a", "1:a", "a1:a", "1:a1:a", "a/a", "/a", "0:", "a1:");
    List<String> paths = List.of("/a", "/1:a", "/a/a", "/" + "a".repeat(1_023));
    Set<String> scopes = new HashSet<>();
    int tuples = 0;
    for (String caller : parts) {
      for (String source : parts) {
        for (String path : paths) {
          scopes.add(scope(separate, caller, source, path));
          scopes.add(scope(separate, caller, "", path));
          tuples++;
        }
      }
    }

    assertThat(scopes).hasSize(tuples + parts.size() * paths.size());
  }

  private String scope(HttpEndpoint endpoint, String caller, String source, String path) {
    Post request =
        new Post(Map.of()) {
          @Override
          public String path() {
            return path;
          }
        };
    Intake.NeedsBody head = new Intake.NeedsBody(new KeySyntax.Key("k", source), caller);
    Intake.AtBody ready = intake.body(endpoint, request, head, new RequestBody.Bytes(new byte[0]));
    return ((Intake.Ready) ready).request().source();
  }
}
