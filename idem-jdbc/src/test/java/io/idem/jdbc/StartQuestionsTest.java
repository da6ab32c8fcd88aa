package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is asked before the first key leaves no transaction behind, whatever the pool does. */
class StartQuestionsTest {

  private final TestDatabase database = TestDatabase.postgresql();
  private static final Object CLOSED = new Object();

  private Connection kept;
  private int pid;

  @BeforeEach
  void open() throws SQLException {
    kept = database.dataSource().getConnection();
    pid = Integer.parseInt(TestDatabase.text(kept, "SELECT pg_backend_pid()"));
  }

  @AfterEach
  void close() throws SQLException {
    kept.close();
  }

  @Test
  void noneIsOpenOnAPoolWithoutAutocommitThatLeavesThemAsTheyAre() throws SQLException {
    kept.setAutoCommit(false);
    DataSource pool = pool("PostgreSQL");

    Dialect.of(pool);
    assertThat(state()).isEqualTo("idle");
    new JdbcIdempotencyStore(pool);
    new JdbcTransactionalStore(pool);
    new JdbcLogPositions(pool);
    assertThat(state()).isEqualTo("idle");
    new JdbcSchema(pool, JdbcSettings.defaults()).check();
    assertThat(state()).isEqualTo("idle");
    JdbcLogPositions.schema(pool).createIfAbsent();
    assertThat(state()).isEqualTo("idle");
    assertThat(kept.getAutoCommit()).isFalse();
  }

  @Test
  void noneIsOpenWhereTheDatabaseIsRefused() throws SQLException {
    kept.setAutoCommit(false);

    assertThatThrownBy(() -> Dialect.of(pool("PostgreSQL", 8)))
        .isInstanceOf(IllegalStateException.class);
    assertThat(state()).isEqualTo("idle");
    assertThatThrownBy(() -> Dialect.of(pool("Unheard-of")))
        .isInstanceOf(IllegalStateException.class);
    assertThat(state()).isEqualTo("idle");
  }

  /**
   * As of a data source that knows of the caller's transaction, and of a bean that is made late.
   */
  @Test
  void oneThatIsOpenAlreadyIsItsOwnersToEnd() throws SQLException {
    kept.setAutoCommit(false);
    TestDatabase.execute(kept, "INSERT INTO effect VALUES ('before')");

    DataSource pool = pool("PostgreSQL");
    Dialect.of(pool);
    new JdbcSchema(pool, JdbcSettings.defaults()).check();
    assertThatThrownBy(() -> Dialect.of(pool("Unheard-of")))
        .isInstanceOf(IllegalStateException.class);

    kept.commit();
    assertThat(database.number("SELECT count(*) FROM effect")).isOne();
  }

  private String state() {
    return database.text("SELECT state FROM pg_stat_activity WHERE pid = " + pid);
  }

  /** A pool of one connection, which it hands out as it was given back. */
  private DataSource pool(String product) throws SQLException {
    return pool(product, kept.getMetaData().getDatabaseMajorVersion());
  }

  private DataSource pool(String product, int majorVersion) {
    return Instead.proxy(
        DataSource.class,
        database.dataSource(),
        (source, method) ->
            method.equals("getConnection")
                ? Instead.proxy(
                    Connection.class,
                    kept,
                    (connection, name) ->
                        switch (name) {
                          case "close" -> CLOSED;
                          case "getMetaData" ->
                              Instead.proxy(
                                  DatabaseMetaData.class,
                                  connection.getMetaData(),
                                  (data, asked) ->
                                      switch (asked) {
                                        case "getDatabaseProductName" -> product;
                                        case "getDatabaseMajorVersion" -> majorVersion;
                                        default -> null;
                                      });
                          default -> null;
                        })
                : null);
  }
}
