package io.idem.guard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.guard.VersionWrite;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What names and values may be on every database. */
abstract class NameCases {

  private final TestDatabase database;

  NameCases(TestDatabase database) {
    this.database = database;
  }

  @Test
  void namesMayBeReservedWordsOrQuoted() {
    String quote = database.backend().isInnoDb() ? "`" : "\"";
    // A plain name is kept in the database's own case.
    String reserved = database.backend() == Backend.H2 ? "ORDER" : "order";
    String version = database.backend() == Backend.H2 ? "GROUP" : "group";
    database.execute(
        ("CREATE TABLE ~"
                + reserved
                + "~ (id INT PRIMARY KEY, ~"
                + version
                + "~ BIGINT,"
                + " ~Not Plain~ VARCHAR(40))")
            .replace("~", quote));
    database.execute(("INSERT INTO ~" + reserved + "~ VALUES (1, 1, 'x')").replace("~", quote));
    VersionGuard guard =
        database.guards().versions(VersionTable.of("Order", "\"Not Plain\"").withVersion("Group"));
    if (database.backend().isInnoDb()) {
      // Names of tables are files there, and keep their case.
      guard =
          database
              .guards()
              .versions(VersionTable.of("order", "\"Not Plain\"").withVersion("Group"));
    }

    assertThat(guard.newestWins(1, 2, Map.of("\"Not Plain\"", "'); DROP TABLE purchase; --")))
        .isEqualTo(new VersionWrite.Applied(2));
    assertThat(database.text(("SELECT ~Not Plain~ FROM ~" + reserved + "~").replace("~", quote)))
        .isEqualTo("'); DROP TABLE purchase; --");
  }

  @Test
  void aTableMayStandInItsSchema() throws Exception {
    String schema;
    try (var connection = database.dataSource().getConnection()) {
      schema = database.backend().isInnoDb() ? connection.getCatalog() : connection.getSchema();
    }
    long id = database.nextId();
    database.execute("INSERT INTO account VALUES (" + id + ", 0)");

    RowLock lock = database.guards().rows(schema + ".account", "id");

    assertThat(lock.run(id, java.time.Duration.ZERO, RowLockCases::increase).hasRun()).isTrue();
  }

  @Test
  void aColumnThatWasNotDeclaredCannotBeNamed() {
    VersionGuard guard = database.guards().versions(VersionTable.of("shipment", "status"));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> guard.newestWins("a", 1, Map.of("weight", 1)))
        .withMessageContaining("Declared are [status]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> guard.newestWins("a", 1, Map.of("status = 'x', version", 1)))
        .withMessageContaining("Declared are [status]");
  }

  @Test
  void aColumnCannotBeDeclaredTwiceOrAgainstTheGuard() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                database
                    .guards()
                    .versions(VersionTable.of("shipment", "status", "STATUS"))
                    .hashCode())
        .withMessageContaining("twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> database.guards().versions(VersionTable.of("shipment", "version")))
        .withMessageContaining("written by the guard");
    String itself = database.backend() == Backend.H2 ? "\"VERSION\"" : "\"version\"";
    assertThatIllegalArgumentException()
        .isThrownBy(() -> database.guards().versions(VersionTable.of("shipment", itself)))
        .withMessageContaining("written by the guard");
  }
}
