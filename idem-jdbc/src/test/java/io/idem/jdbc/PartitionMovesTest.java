package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.jdbc.internal.DialectSpec;
import io.idem.jdbc.internal.PartitionedTable;
import io.idem.jdbc.internal.TableName;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Records that move into a new partition while they are in use. */
class PartitionMovesTest {

  private static final Duration WIDTH = Duration.ofHours(1);

  /** An hour in units of 65.536 s. */
  private static final long HOUR = 55;

  private static final StoredOutcome DONE = StoredOutcome.done();

  private final TestDatabase database = TestDatabase.partitioned(new Partitioning(WIDTH, 2));
  private final JdbcIdempotencyStore store = database.leased();
  private final long now = System.currentTimeMillis() >> 16;

  /** What an owner asks. */
  enum Question {
    COMPLETE,
    COMPLETE_AGAIN,
    COMPLETE_ALL,
    RENEW,
    RELEASE;

    void prepare(JdbcIdempotencyStore store, Lease lease) {
      if (this == COMPLETE_AGAIN) {
        store.complete(lease, DONE, Requests.RETENTION);
      }
    }

    LeaseCheck ask(JdbcIdempotencyStore store, Lease lease) {
      return switch (this) {
        case COMPLETE, COMPLETE_AGAIN -> store.complete(lease, DONE, Requests.RETENTION);
        case COMPLETE_ALL ->
            store.completeAll(List.of(new Completion(lease, DONE, Requests.RETENTION))).get(0);
        case RENEW -> store.renew(lease, Requests.LEASE);
        case RELEASE -> store.release(lease);
      };
    }
  }

  @ParameterizedTest
  @EnumSource(Question.class)
  void ownerKeepsARecordThatMovesMeanwhile(Question question) {
    Lease lease = claimed(now + 5 * HOUR);
    question.prepare(store, lease);
    AtomicInteger made = new AtomicInteger();
    AtomicReference<CompletableFuture<LeaseCheck>> answer = new AtomicReference<>();
    database.inTransaction(
        connection -> {
          try {
            made.set(
                new PartitionedTable(
                        DialectSpec.POSTGRESQL,
                        new TableName("idem_record"),
                        WIDTH,
                        8,
                        Duration.ofSeconds(5))
                    .createAhead(connection));
          } catch (SQLException e) {
            throw new AssertionError(e);
          }
          answer.set(CompletableFuture.supplyAsync(() -> question.ask(store, lease)));
          Together.await("the owner's wait", () -> database.waiting() == 1);
          return true;
        });
    assertThat(made).hasPositiveValue();
    assertThat(answer.get().join()).isEqualTo(LeaseCheck.HELD);
  }

  @Test
  void ownerWhoLostIsStillTold() {
    Lease lease = claimed(now);
    assertThat(store.release(lease)).isEqualTo(LeaseCheck.HELD);
    for (Question question : Question.values()) {
      assertThat(question.ask(store, lease)).as(question.name()).isEqualTo(LeaseCheck.LOST);
    }
  }

  @Test
  void recordOfAnOpenTransactionDoesNotMove() {
    RecordId id = idOf(now + 5 * HOUR);
    JdbcIdempotencyStore ahead =
        new JdbcIdempotencyStore(
            database.dataSource(),
            database.settings().withPartitioning(new Partitioning(WIDTH, 8)));
    database.inTransaction(
        connection -> {
          LeaseCheck check =
              database
                  .joining(connection)
                  .inTransaction(
                      scope -> {
                        Claim claim = scope.claim(Requests.claimOf(id), Duration.ZERO);
                        ahead.purgeExpired(10);
                        return scope.complete(
                            ((Claim.Acquired) claim).lease(), DONE, Requests.RETENTION);
                      });
          assertThat(check).isEqualTo(LeaseCheck.HELD);
          return true;
        });
  }

  private Lease claimed(long units) {
    return ((Claim.Acquired) store.claim(Requests.claimOf(idOf(units)))).lease();
  }

  private static RecordId idOf(long units) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return new RecordId((units << 32) | random.nextInt(Integer.MAX_VALUE), random.nextLong());
  }
}
