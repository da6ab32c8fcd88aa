package io.idem.testkit;

import io.idem.core.Attempt;
import io.idem.core.Decision;
import io.idem.core.Idempotency;
import io.idem.core.store.TransactionalStore;
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
import java.util.function.Function;
import javax.sql.DataSource;

/**
 * A table of effects beside the records of a transactional store, and the nodes that work on both:
 * what a test of messages looks at to see that each had one effect.
 *
 * <p>Instances are safe for use by several threads.
 */
public final class Effects implements AutoCloseable {

  private final DataSource dataSource;
  private final Function<? super DataSource, ? extends TransactionalStore> stores;
  private final AtomicInteger busy = new AtomicInteger();
  private final List<Idempotency> engines = new CopyOnWriteArrayList<>();

  /**
   * Creates the table of effects. The store's own tables are left to the caller.
   *
   * @param dataSource a database without a table named {@code effect}
   * @param stores makes a store of that database, one for each node
   * @throws IllegalStateException if the table cannot be created
   */
  public Effects(
      DataSource dataSource, Function<? super DataSource, ? extends TransactionalStore> stores) {
    this.dataSource = dataSource;
    this.stores = stores;
    execute("CREATE TABLE effect (what VARCHAR(100), position INT)");
  }

  /**
   * An engine as another node has it, with a store of its own.
   *
   * @return an engine that waits for 20 ms, purges nothing, and is closed with this
   */
  public Idempotency engine() {
    return engine(stores.apply(dataSource));
  }

  /**
   * An engine on a store.
   *
   * @param store where it has its records
   * @return an engine that waits for 20 ms, purges nothing, and is closed with this
   */
  public Idempotency engine(TransactionalStore store) {
    Idempotency engine =
        Idempotency.builder()
            .transactionalStore(store)
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

  /**
   * Writes an effect in the transaction of a run.
   *
   * @param what the effect, at most 100 characters
   * @param attempt a run of a store whose transactions are JDBC connections
   * @throws SQLException if the database refuses it
   */
  public static void book(String what, Attempt attempt) throws SQLException {
    book(what, attempt.unwrap(Connection.class));
  }

  /**
   * Writes an effect in the transaction of a connection.
   *
   * @param what the effect, at most 100 characters
   * @param connection is left open
   * @throws SQLException if the database refuses it
   */
  public static void book(String what, Connection connection) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO effect SELECT ?, COALESCE(MAX(position), 0) + 1 FROM effect")) {
      insert.setString(1, what);
      insert.executeUpdate();
    }
  }

  /**
   * What took effect: the committed rows.
   *
   * @return the effects in the order in which they did; those of rivals, by name
   * @throws IllegalStateException if the table cannot be read
   */
  public List<String> all() {
    List<String> effects = new ArrayList<>();
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery("SELECT what FROM effect ORDER BY position, what")) {
      while (rows.next()) {
        effects.add(rows.getString(1));
      }
    } catch (SQLException e) {
      throw new IllegalStateException("The effects could not be read", e);
    }
    return effects;
  }

  /**
   * How often an engine of this answered that another node was in the middle of it.
   *
   * @return the count since this was created or cleared
   */
  public int busy() {
    return busy.get();
  }

  /**
   * Forgets the effects and what was counted, and leaves the engines as they are.
   *
   * @throws IllegalStateException if the table cannot be emptied
   */
  public void clear() {
    execute("DELETE FROM effect");
    busy.set(0);
  }

  /** Closes the engines. The table stays as it is. */
  @Override
  public void close() {
    engines.forEach(Idempotency::close);
  }

  private void execute(String sql) {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException("Failed: " + sql, e);
    }
  }
}
