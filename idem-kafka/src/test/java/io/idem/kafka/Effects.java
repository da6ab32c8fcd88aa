package io.idem.kafka;

import io.idem.core.Attempt;
import io.idem.core.Decision;
import io.idem.core.Idempotency;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** A database with a table of effects beside the inbox, and the nodes that work on it. */
final class Effects implements AutoCloseable {

  private final DataSource dataSource;
  final AtomicInteger busy = new AtomicInteger();
  private final List<Idempotency> engines = new CopyOnWriteArrayList<>();

  Effects(DataSource dataSource) throws SQLException {
    this.dataSource = dataSource;
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE effect (what VARCHAR(100), position INT)");
    }
  }

  /** An engine as another node has it. */
  Idempotency engine() {
    Idempotency engine =
        Idempotency.builder()
            .transactionalStore(new JdbcTransactionalStore(dataSource))
            .purgeEvery(Duration.ZERO)
            .waitAtMost(Duration.ofMillis(20))
            .listener(
                event -> {
                  if (event.decision() == Decision.BUSY) {
                    busy.incrementAndGet();
                  }
                })
            .build();
    engines.add(engine);
    return engine;
  }

  static void book(String what, Attempt attempt) throws SQLException {
    try (PreparedStatement insert =
        attempt
            .unwrap(Connection.class)
            .prepareStatement(
                "INSERT INTO effect SELECT ?, COALESCE(MAX(position), 0) + 1 FROM effect")) {
      insert.setString(1, what);
      insert.executeUpdate();
    }
  }

  /** What took effect, in the order in which it did. */
  List<String> all() throws SQLException {
    List<String> effects = new ArrayList<>();
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery("SELECT what FROM effect ORDER BY position, what")) {
      while (rows.next()) {
        effects.add(rows.getString(1));
      }
    }
    return effects;
  }

  @Override
  public void close() {
    engines.forEach(Idempotency::close);
  }
}
