package io.idem.guard.jdbc;

import static io.idem.guard.jdbc.GuardsGuideTest.OrderState.CANCELLED;
import static io.idem.guard.jdbc.GuardsGuideTest.OrderState.DELIVERED;
import static io.idem.guard.jdbc.GuardsGuideTest.OrderState.PAID;
import static io.idem.guard.jdbc.GuardsGuideTest.OrderState.PENDING;
import static io.idem.guard.jdbc.GuardsGuideTest.OrderState.SHIPPED;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.guard.Insertion;
import io.idem.guard.Locked;
import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.guard.VersionWrite;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What docs/guards.md shows is what the library does. */
class GuardsGuideTest {

  enum OrderState {
    PENDING,
    PAID,
    SHIPPED,
    DELIVERED,
    CANCELLED
  }

  private static final StateMachine<OrderState> MACHINE =
      StateMachine.ordered(PENDING, PAID, SHIPPED, DELIVERED)
          .allow(PENDING, CANCELLED)
          .allow(PAID, CANCELLED)
          .finalStates(CANCELLED)
          .build();

  private final TestDatabase database = TestDatabase.of(Backend.H2);
  private final JdbcGuards guards = database.guards();

  @Test
  void theDiagramIsTheMachines() throws Exception {
    assertThat(Files.readString(Path.of("../docs/guards.md")))
        .contains("```mermaid\n" + MACHINE.toMermaid() + "```\n");
  }

  @Test
  void theStateMachine() {
    database.execute(
        "CREATE TABLE orders (id INT PRIMARY KEY, state VARCHAR(16),"
            + " paid_at TIMESTAMP WITH TIME ZONE)");
    database.execute("CREATE TABLE order_history (order_id INT, state VARCHAR(16), at TIMESTAMP)");
    database.execute("INSERT INTO orders (id, state) VALUES (1, 'PENDING')");
    OffsetDateTime now = OffsetDateTime.of(2026, 11, 26, 12, 0, 0, 0, ZoneOffset.UTC);

    StateGuard<OrderState> orders =
        guards.states(
            MACHINE,
            StateTable.of("orders")
                .withColumns("paid_at")
                .withHistory(HistoryTable.of("order_history", "order_id", "state").withAt("at")));
    Transition<OrderState> answer = orders.transition(1, PAID, Map.of("paid_at", now));

    assertThat(answer.isApplied()).isTrue();
    assertThat(database.text("SELECT paid_at FROM orders")).isEqualTo("2026-11-26 12:00:00+00");
    assertThat(database.text("SELECT state FROM order_history")).isEqualTo("PAID");
  }

  @Test
  void theVersion() {
    database.execute("INSERT INTO shipment (id, version) VALUES ('s', 1)");
    VersionGuard shipments = guards.versions(VersionTable.of("shipment", "status", "eta"));

    assertThat(shipments.newestWins("s", 4, Map.of("status", "IN_TRANSIT")).isApplied()).isTrue();
    assertThat(shipments.compareAndSet("s", 4, Map.of("status", "CORRECTED")))
        .isEqualTo(new VersionWrite.Applied(5));
    assertThat(shipments.newestWins(List.of(new Versioned("s", 3, Map.of("status", "LATE")))))
        .containsExactly(new VersionWrite.Stale(5L));
  }

  @Test
  void theUniqueNumber() {
    UniqueNumber<Map<String, Object>> invoices =
        guards.numbers(
            NumberTable.of("invoice", "tenant", "number")
                .withColumns("amount")
                .withRead("id", "amount"));
    Map<String, Object> row =
        Map.of("tenant", "acme", "number", "2026-0042", "amount", new BigDecimal("9.90"));

    Insertion<Map<String, Object>> answer = invoices.insert(row);

    assertThat(answer.isInserted()).isTrue();
    assertThat(invoices.insert(row).isInserted()).isFalse();
  }

  @Test
  void theLocks() {
    database.execute("INSERT INTO account VALUES (1, 7)");
    RowLock accounts = guards.rows("account", "id");
    KeyLock lock = guards.keys("nightly-report", "idem_lock");

    Locked<String> answer =
        accounts.run(
            1,
            Duration.ofSeconds(2),
            (row, connection) -> TestDatabase.text(connection, "SELECT balance FROM account"));

    assertThat(answer).isEqualTo(new Locked.Ran<>("7"));
    assertThat(lock.run("2026-11", Duration.ZERO, (key, connection) -> key))
        .isEqualTo(new Locked.Ran<>("2026-11"));
  }
}
