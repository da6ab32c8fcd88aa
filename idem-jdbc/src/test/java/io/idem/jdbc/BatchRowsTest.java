package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A batch writes the same rows as its claims one by one, whatever is in them. */
class BatchRowsTest {

  private static final List<String> PARTS =
      List.of(
          "plain",
          "",
          "\"quoted\" and \\ back",
          "it's {json} [[too]] ? ${x} $1 \\1",
          "line\nfeed\ttab\u0001\u001f\u007f",
          "\u00e4\u00df\u4e2d\ud83d\ude00",
          "half \ud83d, nul \u0000",
          "\\".repeat(32),
          "x".repeat(3000),
          "\ud83d\ude00".repeat(1000));

  @ParameterizedTest
  @EnumSource
  void rowsAreThoseOfSingleClaims(Backend backend) {
    TestDatabase database = backend.prepared();
    JdbcIdempotencyStore store = database.leased();
    List<ClaimRequest> together = new ArrayList<>();
    List<ClaimRequest> apart = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      for (List<ClaimRequest> requests : List.of(together, apart)) {
        requests.add(odd(i));
      }
    }
    assertThat(store.claimAll(together)).hasOnlyElementsOfType(Claim.Acquired.class);
    apart.forEach(store::claim);

    for (int i = 0; i < 30; i++) {
      RecordId id = together.get(i).id();
      assertThat(row(database, id)).as("%d", i).isEqualTo(row(database, apart.get(i).id()));
      assertThat(store.complete(lease(together.get(i)), StoredOutcome.done(), Requests.RETENTION))
          .isEqualTo(LeaseCheck.HELD);
    }
  }

  /** What a claim says in every column: different ones, and ones that all have in common. */
  private static ClaimRequest odd(int i) {
    ClaimRequest request =
        Requests.with(
            Requests.claimOf(Requests.newId()),
            Duration.ofMinutes(1 + i % 3),
            Duration.ofDays(1 + i % 2));
    request =
        Requests.with(request, i % 4 == 0 ? Fingerprint.NONE : Fingerprint.of("request " + i));
    return Requests.with(
        request,
        new RecordLabel(
            "same", PARTS.get(i % PARTS.size()), "source " + i, PARTS.get((i / 2) % PARTS.size())));
  }

  /** Without ids, tokens and the moment, but with the minutes from the moment on. */
  private static String row(TestDatabase database, RecordId id) {
    String hex = HexFormat.of().formatHex(id.toBytes());
    String key =
        switch (database.dialect()) {
          case POSTGRESQL -> "CAST('" + hex + "' AS uuid)";
          case H2, MARIADB, MYSQL -> "X'" + hex + "'";
        };
    List<String> columns = new ArrayList<>();
    for (String column :
        List.of(
            "state",
            "attempt",
            "(lease_until - created_at) / 60000.0",
            "(expires_at - created_at) / 60000.0",
            "fingerprint",
            "namespace",
            "operation",
            "source",
            "idempotency_key",
            "outcome")) {
      boolean time = column.startsWith("(");
      String text = database.text("SELECT " + column + " FROM idem_record WHERE id = " + key);
      columns.add(time ? Long.toString(Math.round(Double.parseDouble(text))) : text);
    }
    return columns.toString();
  }

  /** Far more than one statement may carry. */
  @ParameterizedTest
  @EnumSource
  void largeBatchesAreCut(Backend backend) {
    TestDatabase database = backend.prepared();
    JdbcIdempotencyStore store = database.leased();
    List<ClaimRequest> requests =
        IntStream.range(0, 800)
            .mapToObj(
                i ->
                    Requests.with(
                        Requests.claimOf(Requests.newId()),
                        new RecordLabel(
                            "\u4e2d".repeat(1000) + i,
                            "\u4e2d".repeat(1000) + i,
                            "\u4e2d".repeat(1000) + i,
                            "\u4e2d".repeat(1000) + i)))
            .toList();
    assertThat(store.claimAll(requests)).hasOnlyElementsOfType(Claim.Acquired.class);
    assertThat(store.claimAll(requests)).hasOnlyElementsOfType(Claim.Acquired.class);

    List<Completion> completions = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      byte[] answer = new byte[i % 20 == 7 ? 1_500_000 : 100_000 + i];
      completions.add(
          new Completion(lease(requests.get(i)), StoredOutcome.result(answer), Requests.RETENTION));
    }
    assertThat(store.completeAll(completions)).containsOnly(LeaseCheck.HELD);
    List<Claim> replays = store.claimAll(requests.subList(0, 60));
    for (int i = 0; i < 60; i++) {
      assertThat(((Claim.Completed) replays.get(i)).outcome())
          .isEqualTo(completions.get(i).outcome());
    }
  }

  private static Lease lease(ClaimRequest request) {
    return new Lease(request.id(), request.token(), 1);
  }
}
