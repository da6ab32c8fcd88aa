package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Mode;
import io.idem.core.Operation;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A transaction that was committed in the middle, as MySQL does at a statement that defines. */
class UnfinishedTransactionTest {

  /** What was committed may have taken effect, and nobody is at it any more. */
  @ParameterizedTest
  @EnumSource
  void outcomeIsUnknown(Backend backend) {
    TestDatabase database = backend.prepared();
    try (Idempotency idempotency =
        Idempotency.builder().transactionalStore(database.transactional()).build()) {
      Operation<String> operation =
          idempotency.operation("pay", String.class).mode(Mode.TRANSACTIONAL).build();
      assertThatThrownBy(
              () ->
                  operation.execute(
                      IdempotentRequest.of("k"),
                      attempt -> {
                        commit(attempt.unwrap(Connection.class));
                        throw new IllegalStateException("crash");
                      }))
          .hasMessage("crash");

      assertThat(operation.execute("k", () -> "again")).isInstanceOf(Execution.Unresolved.class);
    }
  }

  private static void commit(Connection connection) {
    try {
      connection.commit();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
