package io.idem.jms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Idempotency;
import io.idem.core.store.CommitRefusedException;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jms.TestArtemis.Node;
import io.idem.messaging.MessageHandler;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.Together;
import jakarta.jms.Message;
import jakarta.jms.Session;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.UUID;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Messages of Artemis with an inbox in PostgreSQL. */
class PostgresInboxConsumerTest extends InboxConsumerContract {

  private static final Duration WAIT = Duration.ofSeconds(5);

  private static final MessageHandler<Message, Exception> INSERT =
      (message, attempt) -> {
        try (PreparedStatement insert =
            attempt.unwrap(Connection.class).prepareStatement("INSERT INTO number VALUES (?)")) {
          insert.setInt(1, Integer.parseInt(message.getBody(String.class)));
          insert.executeUpdate();
        }
      };

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }

  /** It is no outage: the same message fails for ever. */
  @Test
  void aMessageWhoseEffectTheDatabaseRefusesAtTheCommitHasFailed() throws Exception {
    DataSource dataSource = newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    execute(dataSource, "CREATE TABLE number (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
    execute(dataSource, "INSERT INTO number VALUES (1)");
    TestArtemis artemis = TestArtemis.shared();
    String queue = "q" + UUID.randomUUID();
    String parked = "parked-" + queue;
    artemis.send(queue, TestArtemis.text("1", "1"));
    try (Node node = new Node(queue, Session.SESSION_TRANSACTED);
        Idempotency engine =
            Idempotency.builder()
                .transactionalStore(new JdbcTransactionalStore(dataSource))
                .build()) {
      InboxConsumer inboxed =
          new InboxConsumer(
                  node.session,
                  node.queue,
                  JmsMessages.inbox(engine, "number", queue).build(),
                  ParkedMessages.to(node.session.createQueue(parked)))
              .onFailure(1, Duration.ZERO);

      assertThatThrownBy(() -> inboxed.receive(node.consumer, WAIT, INSERT))
          .isInstanceOf(CommitRefusedException.class)
          .hasRootCauseInstanceOf(SQLException.class);
      artemis.send(queue, TestArtemis.text("2", "2"), TestArtemis.text("3", "3"));
      while (inboxed.receiveEach(node.consumer, 10, Duration.ofMillis(200), INSERT) > 0) {
        // on
      }
    }

    Together.await("the failed message", () -> artemis.count(parked) == 1);
    assertThat(artemis.count(queue)).isZero();
    assertThat(count(dataSource)).isEqualTo(3);
  }

  private static void execute(DataSource dataSource, String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static int count(DataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT count(*) FROM number")) {
      rows.next();
      return rows.getInt(1);
    }
  }
}
