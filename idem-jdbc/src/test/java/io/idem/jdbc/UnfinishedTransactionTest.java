package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.BatchBody;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.ItemAnswer;
import io.idem.core.Mode;
import io.idem.core.Operation;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
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
      List<IdempotentRequest> batch = Stream.of("a", "k", "z").map(IdempotentRequest::of).toList();
      for (boolean ran : new boolean[] {true, false}) {
        List<ItemAnswer<String>> answers =
            operation.executeAll(batch, BatchBody.each(item -> "done"));
        assertThat(execution(answers.get(0)) instanceof Execution.Ran).isEqualTo(ran);
        assertThat(execution(answers.get(1))).isInstanceOf(Execution.Unresolved.class);
      }
    }
  }

  private static Execution<String> execution(ItemAnswer<String> answer) {
    return ((ItemAnswer.Answered<String>) answer).execution();
  }

  private static void commit(Connection connection) {
    try {
      connection.commit();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
