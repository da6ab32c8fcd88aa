package io.idem.messaging;

import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.h2.jdbcx.JdbcDataSource;

/** A database with a table of effects beside the inbox. */
final class Ledger implements AutoCloseable {

  final JdbcDataSource dataSource = new JdbcDataSource();
  private final Connection open;
  private final List<Idempotency> engines = new ArrayList<>();

  Ledger() throws SQLException {
    dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID());
    open = dataSource.getConnection();
    new JdbcSchema(dataSource, Dialect.H2, JdbcSettings.defaults()).createIfAbsent();
    try (Statement statement = open.createStatement()) {
      statement.execute("CREATE TABLE effect (id INT AUTO_INCREMENT, what VARCHAR(100))");
    }
  }

  /** An engine as another node has it. */
  Idempotency engine() {
    Idempotency engine =
        Idempotency.builder()
            .transactionalStore(new JdbcTransactionalStore(dataSource))
            .purgeEvery(java.time.Duration.ZERO)
            .build();
    engines.add(engine);
    return engine;
  }

  /** Writes an effect in the transaction of a run. */
  static void book(Note note, Attempt attempt) throws SQLException {
    try (PreparedStatement insert =
        attempt.unwrap(Connection.class).prepareStatement("INSERT INTO effect (what) VALUES (?)")) {
      insert.setString(1, (String) note.payload());
      insert.executeUpdate();
    }
  }

  List<String> effects() throws SQLException {
    List<String> effects = new ArrayList<>();
    try (Statement statement = open.createStatement();
        ResultSet rows = statement.executeQuery("SELECT what FROM effect ORDER BY id")) {
      while (rows.next()) {
        effects.add(rows.getString(1));
      }
    }
    return effects;
  }

  @Override
  public void close() throws SQLException {
    engines.forEach(Idempotency::close);
    open.close();
  }
}
