package io.idem.benchmarks.stores;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.benchmarks.load.Caller;
import io.idem.benchmarks.load.Comparison;
import io.idem.core.BatchBody;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jdbc.JdbcTransactions;
import io.idem.jdbc.LockWait;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * One database: a business transaction of two statements, protected by hand and by Idem.
 *
 * <p>By hand means a table of a key, a state and an answer, without leases, fingerprints, expiry or
 * anything else that is not needed to be told once. Both sides share one pool and one prepared
 * business. Every connection is durable as configured by default: a commit waits for the disk.
 */
final class SqlFloor implements AutoCloseable {

  private static final int ACCOUNTS = 10_000;
  private static final int REPLAYED = 1_000;
  private static final int BATCH = 500;
  private static final String ANSWER = "x".repeat(200);

  private final String backend;
  private final boolean postgres;
  private final HikariDataSource pool;
  private final Idempotency idempotency;
  private final List<String> stored;

  SqlFloor(String backend, DataSource database, int connections) throws SQLException {
    this(backend, database, connections, LockWait.BY_CLIENT);
  }

  /** Both sides run on connections with a lock_timeout where these bound the wait of claims. */
  SqlFloor(String backend, DataSource database, int connections, LockWait lockWait)
      throws SQLException {
    this.backend = backend;
    HikariConfig config = new HikariConfig();
    config.setDataSource(database);
    config.setMaximumPoolSize(connections);
    if (lockWait == LockWait.OF_SESSION) {
      config.setConnectionInitSql("SET lock_timeout = '2s'");
    }
    this.pool = new HikariDataSource(config);
    try (Connection connection = pool.getConnection()) {
      this.postgres = connection.getMetaData().getDatabaseProductName().equals("PostgreSQL");
    }
    // The code by hand waits for a disk that stalls, for as long as it does.
    JdbcSettings settings =
        JdbcSettings.defaults().withLockWait(lockWait).withQueryTimeout(Duration.ofMinutes(1));
    new JdbcSchema(pool, settings).createIfAbsent();
    createTables();
    this.idempotency =
        Idempotency.builder()
            .store(new JdbcIdempotencyStore(pool, settings))
            .transactionalStore(
                new JdbcTransactionalStore(JdbcTransactions.of(pool), Dialect.of(pool), settings))
            .build();
    this.stored = IntStream.range(0, REPLAYED).mapToObj(i -> key()).toList();
    store();
  }

  private void createTables() throws SQLException {
    String id = postgres ? "UUID" : "BINARY(16)";
    String bytes = postgres ? "BYTEA" : "VARBINARY(1000)";
    String sequence = postgres ? "GENERATED ALWAYS AS IDENTITY" : "AUTO_INCREMENT";
    execute("CREATE TABLE account (id INT PRIMARY KEY, balance BIGINT NOT NULL)");
    execute(
        "CREATE TABLE ledger (id BIGINT "
            + sequence
            + " PRIMARY KEY, account INT NOT NULL, amount BIGINT NOT NULL)");
    execute(
        "CREATE TABLE by_hand (id "
            + id
            + " PRIMARY KEY, state SMALLINT NOT NULL, answer "
            + bytes
            + ")");
    try (Connection connection = pool.getConnection();
        PreparedStatement insert =
            connection.prepareStatement("INSERT INTO account VALUES (?, 1000000)")) {
      connection.setAutoCommit(false);
      for (int i = 0; i < ACCOUNTS; i++) {
        insert.setInt(1, i);
        insert.addBatch();
      }
      insert.executeBatch();
      connection.commit();
    }
  }

  private void store() throws SQLException {
    Operation<String> operation = operation("replayed", Mode.LEASED);
    try (Connection connection = pool.getConnection()) {
      for (String key : stored) {
        operation.execute(key, () -> ANSWER);
        try (PreparedStatement insert =
            connection.prepareStatement("INSERT INTO by_hand VALUES (?, 2, ?)")) {
          setKey(insert, 1, key);
          insert.setBytes(2, answer());
          insert.executeUpdate();
        }
      }
    }
  }

  /** Those of new keys, each of which is claimed: transactional without and with answer, leased. */
  List<Comparison> claims() {
    return comparisons().subList(0, 3);
  }

  @SuppressWarnings("NullAway") // does not see that the result of an inbox is always null
  List<Comparison> comparisons() {
    Operation<@Nullable Void> inbox =
        idempotency.operation("inbox").mode(Mode.TRANSACTIONAL).build();
    Operation<String> answering = operation("answering", Mode.TRANSACTIONAL);
    Operation<String> leased = operation("leased", Mode.LEASED);
    Operation<String> replayed = operation("replayed", Mode.LEASED);
    return List.of(
        comparison(
            "transactional, no answer",
            "business + insert, one commit",
            0.9,
            () -> inTransaction(this::insertByHand, false),
            () -> {
              inbox.execute(
                  IdempotentRequest.of(key()),
                  attempt -> {
                    business(attempt.unwrap(Connection.class));
                    return null;
                  });
            }),
        comparison(
            "transactional, stored answer",
            "business + insert + update, one commit",
            0.95,
            () -> inTransaction(this::insertByHand, true),
            () ->
                answering.execute(
                    IdempotentRequest.of(key()),
                    attempt -> {
                      business(attempt.unwrap(Connection.class));
                      return ANSWER;
                    })),
        comparison(
            "leased",
            "insert, business and update, three commits",
            0.9,
            this::leasedByHand,
            () ->
                leased.execute(
                    key(),
                    () -> {
                      inOwnTransaction();
                      return ANSWER;
                    })),
        comparison(
            "replay",
            "select by primary key",
            0.8,
            () -> readByHand(any()),
            () -> mustBeReplayed(replayed.execute(any(), () -> "never"))),
        comparison(
            "batch of " + BATCH,
            "one multi-row insert, one commit",
            0,
            BATCH,
            this::batchByHand,
            () -> inbox.executeAll(requests(), BatchBody.all(fresh -> {}))));
  }

  private Comparison comparison(
      String name, String byHand, double target, Caller floor, Caller idem) {
    return comparison(name, byHand, target, 1, floor, idem);
  }

  private Comparison comparison(
      String name, String byHand, double target, int keysPerCall, Caller floor, Caller idem) {
    Supplier<Caller> floors = () -> floor;
    Supplier<Caller> idems = () -> idem;
    // What is promised is promised for PostgreSQL.
    return new Comparison(backend, name, byHand, postgres ? target : 0, keysPerCall, floors, idems);
  }

  private static List<IdempotentRequest> requests() {
    return Stream.generate(() -> IdempotentRequest.of(key())).limit(BATCH).toList();
  }

  private Operation<String> operation(String name, Mode mode) {
    return idempotency.operation(name, String.class).mode(mode).build();
  }

  private static void mustBeReplayed(Execution<?> answer) {
    if (!(answer instanceof Execution.Replayed)) {
      throw new IllegalStateException("Not replayed but " + answer);
    }
  }

  // ---- by hand

  private interface Step {
    void run(Connection connection, String key) throws SQLException;
  }

  private void inTransaction(Step claim, boolean storeAnswer) throws SQLException {
    String key = key();
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      claim.run(connection, key);
      business(connection);
      if (storeAnswer) {
        updateByHand(connection, key);
      }
      connection.commit();
    }
  }

  private void leasedByHand() throws SQLException {
    String key = key();
    try (Connection connection = pool.getConnection()) {
      insertByHand(connection, key);
    }
    inOwnTransaction();
    try (Connection connection = pool.getConnection()) {
      updateByHand(connection, key);
    }
  }

  private void batchByHand() throws SQLException {
    String sql =
        "INSERT INTO by_hand (id, state) VALUES "
            + String.join(", ", Collections.nCopies(BATCH, "(?, 2)"))
            + (postgres ? " ON CONFLICT (id) DO NOTHING" : "");
    try (Connection connection = pool.getConnection();
        PreparedStatement insert = connection.prepareStatement(sql)) {
      for (int i = 1; i <= BATCH; i++) {
        setKey(insert, i, key());
      }
      if (insert.executeUpdate() != BATCH) {
        throw new IllegalStateException("A random key was there already");
      }
    }
  }

  private void inOwnTransaction() throws SQLException {
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      business(connection);
      connection.commit();
    }
  }

  private void insertByHand(Connection connection, String key) throws SQLException {
    String sql =
        "INSERT INTO by_hand (id, state) VALUES (?, 1)"
            + (postgres ? " ON CONFLICT (id) DO NOTHING" : "");
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      setKey(insert, 1, key);
      if (insert.executeUpdate() != 1) {
        throw new IllegalStateException("A random key was there already");
      }
    }
  }

  private void updateByHand(Connection connection, String key) throws SQLException {
    try (PreparedStatement update =
        connection.prepareStatement(
            "UPDATE by_hand SET state = 2, answer = ? WHERE id = ? AND state = 1")) {
      update.setBytes(1, answer());
      setKey(update, 2, key);
      if (update.executeUpdate() != 1) {
        throw new IllegalStateException("The row is gone");
      }
    }
  }

  private void readByHand(String key) throws SQLException {
    try (Connection connection = pool.getConnection();
        PreparedStatement select =
            connection.prepareStatement("SELECT state, answer FROM by_hand WHERE id = ?")) {
      setKey(select, 1, key);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next() || row.getBytes(2).length != ANSWER.length()) {
          throw new IllegalStateException("The answer is not there");
        }
      }
    }
  }

  private static void business(Connection connection) throws SQLException {
    int account = ThreadLocalRandom.current().nextInt(ACCOUNTS);
    try (PreparedStatement update =
        connection.prepareStatement("UPDATE account SET balance = balance - 1 WHERE id = ?")) {
      update.setInt(1, account);
      update.executeUpdate();
    }
    try (PreparedStatement insert =
        connection.prepareStatement("INSERT INTO ledger (account, amount) VALUES (?, -1)")) {
      insert.setInt(1, account);
      insert.executeUpdate();
    }
  }

  private void setKey(PreparedStatement statement, int index, String key) throws SQLException {
    UUID id = UUID.fromString(key);
    if (postgres) {
      statement.setObject(index, id);
    } else {
      ByteBuffer bytes = ByteBuffer.allocate(16);
      bytes.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
      statement.setBytes(index, bytes.array());
    }
  }

  private static byte[] answer() {
    return ANSWER.getBytes(StandardCharsets.UTF_8);
  }

  private static String key() {
    return UUID.randomUUID().toString();
  }

  private String any() {
    return stored.get(ThreadLocalRandom.current().nextInt(REPLAYED));
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() {
    idempotency.close();
    pool.close();
  }
}
