package io.idem.benchmarks;

import io.idem.core.BatchBody;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.StoredOutcome;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.testkit.Requests;
import io.idem.testkit.TestMariaDb;
import io.idem.testkit.TestMySql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What a key of a batch of 500 costs on MariaDB, and on MySQL where the environment names one.
 *
 * <p>On one connection, with a commit for each batch and the server's defaults. Rounds go by turns:
 * a multi-row insert written by hand, batches of Idem without and with an answer, and the same keys
 * claimed one by one in one transaction.
 */
public final class InnoDbBatches {

  private static final int BATCH = 500;
  private static final int BATCHES = 20;
  private static final int ROUNDS = 9;
  private static final Duration WAIT = Duration.ofSeconds(5);

  private InnoDbBatches() {}

  /**
   * Measures and prints.
   *
   * @param args none
   * @throws SQLException if a server fails
   */
  public static void main(String[] args) throws SQLException {
    for (String driver : List.of("mariadb", "mysql")) {
      measure("MariaDB, driver " + driver, TestMariaDb.shared().newDatabase(driver, ""));
    }
    if (System.getenv(TestMySql.URL) != null) {
      for (String driver : List.of("mysql", "mariadb")) {
        measure("MySQL, driver " + driver, TestMySql.shared().newDatabase(driver, ""));
      }
    }
    // Servers of the JVM's own stop with it, for which their drivers' threads need not be awaited.
    Runtime.getRuntime().exit(0);
  }

  private static void measure(String name, DataSource dataSource) throws SQLException {
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    Dialect dialect = Dialect.of(dataSource);
    String[] names = {"insert by hand", "executeAll", "executeAll with answers", "one by one"};
    double[][] micros = new double[names.length][ROUNDS];
    try (Connection connection = dataSource.getConnection()) {
      JdbcTransactionalStore store = new JdbcTransactionalStore(new OneConnection(connection));
      try (Idempotency idempotency =
          Idempotency.builder().transactionalStore(store).purgeEvery(Duration.ZERO).build()) {
        Operation<@Nullable Void> consume = idempotency.operation("consume").build();
        Operation<byte[]> pay = idempotency.operation("pay", byte[].class).build();
        List<Body> bodies =
            List.of(
                () -> insertedByHand(connection),
                () -> consume.executeAll(requests(), BatchBody.all(fresh -> {})),
                () -> pay.executeAll(requests(), BatchBody.each(item -> new byte[200])),
                () -> oneByOne(store));
        for (int round = 0; round < ROUNDS; round++) {
          for (int i = 0; i < names.length; i++) {
            try (Statement statement = connection.createStatement()) {
              statement.execute("TRUNCATE idem_record");
            }
            long start = System.nanoTime();
            for (int batch = 0; batch < BATCHES; batch++) {
              bodies.get(i).run();
            }
            micros[i][round] = (System.nanoTime() - start) / 1e3 / BATCH / BATCHES;
          }
        }
      }
    }
    System.out.printf(
        "%s (%s): us a key in a batch of %d, commit included, fastest and median of %d rounds%n",
        name, dialect, BATCH, ROUNDS);
    for (int i = 0; i < names.length; i++) {
      Arrays.sort(micros[i]);
      System.out.printf("  %-24s %7.1f %7.1f%n", names[i], micros[i][0], micros[i][ROUNDS / 2]);
    }
  }

  private static List<IdempotentRequest> requests() {
    return Stream.generate(() -> IdempotentRequest.of(UUID.randomUUID().toString()))
        .limit(BATCH)
        .toList();
  }

  private static void insertedByHand(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    String rows = String.join(", ", Collections.nCopies(BATCH, "(?, 1, 2, ?)"));
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO idem_record (expires_at, attempt, state, id) VALUES " + rows)) {
      int index = 1;
      for (int i = 0; i < BATCH; i++) {
        insert.setLong(index++, System.currentTimeMillis() + 86_400_000);
        insert.setBytes(index++, Requests.newId().toBytes());
      }
      insert.executeUpdate();
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  private static void oneByOne(JdbcTransactionalStore store) {
    int acquired =
        store.inTransaction(
            scope -> {
              int count = 0;
              for (int i = 0; i < BATCH; i++) {
                Claim claim =
                    scope.claimCompleted(
                        Requests.claimOf(Requests.newId()), StoredOutcome.done(), WAIT);
                count += claim instanceof Claim.Acquired ? 1 : 0;
              }
              return count;
            });
    if (acquired != BATCH) {
      throw new IllegalStateException("Acquired " + acquired);
    }
  }

  /** A batch. */
  @FunctionalInterface
  private interface Body {
    void run() throws SQLException;
  }
}
