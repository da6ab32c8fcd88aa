package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The statements that the operations guide gives an operator do what it says. */
@ParameterizedClass
@EnumSource(names = {"POSTGRESQL", "MARIADB", "MYSQL_STATEMENTS_ON_MARIADB", "MYSQL"})
class OperationsGuideTest {

  private final Backend backend;
  private final TestDatabase database;
  private final IdempotencyStore store;
  private final List<String> statements;

  OperationsGuideTest(Backend backend) {
    this.backend = backend;
    database = backend.prepared();
    store = database.leased();
    statements = statements(backend.isInnoDb() ? "### On MariaDB and MySQL" : "### On PostgreSQL");
    assertThat(statements).hasSize(3);
  }

  @Test
  void anUnresolvedKeyIsListedAndALiveOneIsNot() throws SQLException {
    ClaimRequest stuck = abandoned();
    ClaimRequest alive = Requests.claimOf(Requests.newId());
    store.claim(alive);

    try (Connection connection = database.dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(statements.get(0))) {
      List<String> ids = new ArrayList<>();
      while (rows.next()) {
        ids.add(rows.getString("id"));
      }
      assertThat(ids).contains(written(stuck)).doesNotContain(written(alive));
    }
  }

  @Test
  void aKeyWhoseEffectDidNotHappenIsFreed() throws SQLException {
    ClaimRequest stuck = abandoned();

    settle(statements.get(1), stuck);

    assertThat(store.claim(Requests.claimOf(stuck.id()))).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void aKeyWhoseEffectHappenedIsDoneWithoutAnAnswer() throws SQLException {
    ClaimRequest stuck = abandoned();

    settle(statements.get(2), stuck);

    assertThat(store.claim(Requests.claimOf(stuck.id())))
        .isEqualTo(new Claim.Completed(stuck.fingerprint(), StoredOutcome.notStored("settled.")));
  }

  private ClaimRequest abandoned() {
    ClaimRequest request = Requests.claimOf(Requests.newId());
    Claim.Acquired claim = (Claim.Acquired) store.claim(request);
    store.renew(claim.lease(), Duration.ZERO);
    return request;
  }

  private void settle(String sql, ClaimRequest request) throws SQLException {
    try (Connection connection = database.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      assertThat(statement.executeUpdate(sql.replace("…", written(request)))).isEqualTo(1);
    }
  }

  /** The id as the guide's first statement lists it. */
  private String written(ClaimRequest request) {
    return backend.isInnoDb()
        ? HexFormat.of().withUpperCase().formatHex(request.id().toBytes())
        : new UUID(request.id().high(), request.id().low()).toString();
  }

  /** The statements under a heading. */
  private static List<String> statements(String heading) {
    try {
      String guide = Files.readString(Path.of("..", "docs", "operations.md"));
      String section = guide.substring(guide.indexOf(heading) + heading.length());
      int end = section.indexOf("\n##");
      Matcher blocks =
          Pattern.compile("```sql\n(.*?)```", Pattern.DOTALL)
              .matcher(end < 0 ? section : section.substring(0, end));
      List<String> found = new ArrayList<>();
      while (blocks.find()) {
        found.add(blocks.group(1).strip().replaceAll(";$", ""));
      }
      return found;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
