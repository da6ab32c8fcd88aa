package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.Requests;
import io.idem.testkit.TransactionalFixture;
import io.idem.testkit.TransactionalStoreContract;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.platform.engine.discovery.MethodSelector;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** The contract of transactional stores names what is wrong with broken ones. */
class BrokenTransactionsTest {

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments(
            SwallowedDeadlock.class,
            RightOnMariaDb.class,
            List.of("oppositeOrdersEndWithoutHalfATransaction")),
        arguments(SecondConnection.class, RightOnH2.class, List.of("oneConnectionIsEnough")),
        arguments(
            TransactionOfItsOwn.class,
            RightOnH2.class,
            List.of(
                "oneConnectionIsEnough",
                "failureRollsBackAndFreesTheKey",
                "markRollsBackAndFreesTheKey",
                "uncommittedOutcomeIsNeverSeen",
                "storeAnswersAsItsModelDoes")),
        arguments(
            CommittedEarly.class,
            RightOnH2.class,
            List.of("failureRollsBackAndFreesTheKey", "uncommittedOutcomeIsNeverSeen")),
        arguments(
            LockTimeoutLeftSet.class,
            RightOnH2.class,
            List.of("settingsOfTheSessionAreWhatTheyWere")),
        arguments(
            UnguardedCompletion.class,
            RightOnH2.class,
            List.of("completionIsRepeatableAndTheOwnersOnly", "storeAnswersAsItsModelDoes")),
        arguments(
            IgnoredMark.class,
            RightOnH2.class,
            List.of("markRollsBackAndFreesTheKey", "storeAnswersAsItsModelDoes")),
        arguments(
            LostFingerprint.class,
            RightOnH2.class,
            List.of("everyAnswerCarriesTheStoredFingerprint", "storeAnswersAsItsModelDoes")),
        arguments(
            AbortedByADuplicate.class,
            RightOnPostgres.class,
            List.of("duplicateLeavesTheCallersTransactionUsable")));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenStoreIsRejected(Class<?> broken, Class<?> right, List<String> cases) {
    assertThat(failing(right, cases)).isEmpty();
    assertThat(failing(broken, cases)).containsExactlyInAnyOrderElementsOf(cases);
  }

  /** The cases that fail. Only the given ones run: others would wait long for what never comes. */
  private static Set<String> failing(Class<?> contract, List<String> cases) {
    var run =
        EngineTestKit.engine("junit-jupiter")
            .selectors(
                cases.stream()
                    .map(name -> selectMethod(contract, name))
                    .toArray(MethodSelector[]::new))
            .execute();
    run.testEvents().assertStatistics(events -> events.started(cases.size()).skipped(0).aborted(0));
    return run.testEvents().failed().stream()
        .map(Event::getTestDescriptor)
        .map(test -> test.getDisplayName().replace("()", ""))
        .collect(Collectors.toSet());
  }

  /** Run by the cases above only: a build would find these broken, as it should. */
  @Tag("run-by-another-test")
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class OnDatabase extends TransactionalStoreContract {

    private final TransactionalFixture fixture;

    OnDatabase(Backend backend, BiFunction<TransactionScope, DataSource, TransactionScope> broken) {
      TestDatabase database = backend.prepared();
      fixture = new BrokenFixture(DatabaseFixture.transactional(database), database, broken);
    }

    @Override
    protected TransactionalFixture fixture() {
      return fixture;
    }
  }

  /** A right fixture, but for the transactions of its stores. */
  private record BrokenFixture(
      TransactionalFixture right,
      TestDatabase database,
      BiFunction<TransactionScope, DataSource, TransactionScope> broken)
      implements TransactionalFixture {

    private TransactionalStore broken(TransactionalStore store, DataSource pool) {
      return BrokenScope.in(store, scope -> broken.apply(scope, pool));
    }

    @Override
    public TransactionalStore store() {
      return broken(right.store(), database.dataSource());
    }

    @Override
    public TransactionalStore otherStore() {
      return broken(right.otherStore(), database.dataSource());
    }

    @Override
    public TransactionalStore storeOnOneConnection() {
      DataSource pool = database.counting(1, true);
      return broken(database.transactional(pool), pool);
    }

    @Override
    public IdempotencyStore leasedStore() {
      return right.leasedStore();
    }

    @Override
    public void inCallersTransaction(TransactionalStoreContract.CallersWork work) {
      right.inCallersTransaction(joining -> work.run(broken(joining, database.dataSource())));
    }

    @Override
    public void write(TransactionScope scope, RecordId name) {
      right.write(scope, name);
    }

    @Override
    public boolean writeUncommittable(TransactionScope scope) {
      return right.writeUncommittable(scope);
    }

    @Override
    public int effects(RecordId name) {
      return right.effects(name);
    }

    @Override
    public int waiting() {
      return right.waiting();
    }

    @Override
    public boolean locksNeighbours() {
      return right.locksNeighbours();
    }

    @Override
    public boolean boundsEveryWait() {
      return right.boundsEveryWait();
    }

    @Override
    public void set(TransactionScope scope) {
      right.set(scope);
    }

    @Override
    public String settings(TransactionScope scope) {
      return right.settings(scope);
    }

    @Override
    public void age(RecordId id, Duration by) {
      right.age(id, by);
    }
  }

  static class RightOnH2 extends OnDatabase {
    RightOnH2() {
      super(Backend.H2, (scope, pool) -> new BrokenScope(scope));
    }
  }

  static class RightOnMariaDb extends OnDatabase {
    RightOnMariaDb() {
      super(Backend.MARIADB_PREPARED, (scope, pool) -> new BrokenScope(scope));
    }
  }

  static class RightOnPostgres extends OnDatabase {
    RightOnPostgres() {
      super(Backend.POSTGRESQL, (scope, pool) -> new BrokenScope(scope));
    }
  }

  /** The server has rolled everything back; the caller is told that the key is its own. */
  static class SwallowedDeadlock extends OnDatabase {
    SwallowedDeadlock() {
      super(
          Backend.MARIADB_PREPARED,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration wait) {
                  try {
                    return super.claim(request, outcome, wait);
                  } catch (StoreConflictException swallowed) {
                    return new Claim.Acquired(new Lease(request.id(), request.token(), 1));
                  }
                }
              });
    }
  }

  static class SecondConnection extends OnDatabase {
    SecondConnection() {
      super(
          Backend.H2,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration wait) {
                  try (Connection second = pool.getConnection()) {
                    assertThat(second.isClosed()).isFalse();
                  } catch (SQLException e) {
                    throw new IllegalStateException(e);
                  }
                  return super.claim(request, outcome, wait);
                }
              });
    }
  }

  /** The record commits before the effect does, and does not go when that rolls back. */
  static class TransactionOfItsOwn extends OnDatabase {
    TransactionOfItsOwn() {
      super(
          Backend.H2,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration wait) {
                  return new JdbcTransactionalStore(pool)
                      .inTransaction(
                          own ->
                              own.claimCompleted(
                                  request, outcome == null ? StoredOutcome.done() : outcome, wait));
                }
              });
    }
  }

  static class CommittedEarly extends OnDatabase {
    CommittedEarly() {
      super(
          Backend.H2,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration wait) {
                  Claim claim = super.claim(request, outcome, wait);
                  try {
                    unwrap(Connection.class).commit();
                  } catch (SQLException e) {
                    throw new IllegalStateException(e);
                  }
                  return claim;
                }
              });
    }
  }

  static class LockTimeoutLeftSet extends OnDatabase {
    LockTimeoutLeftSet() {
      super(
          Backend.H2,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration wait) {
                  Claim claim = super.claim(request, outcome, wait);
                  TestDatabase.execute(unwrap(Connection.class), "SET LOCK_TIMEOUT 99");
                  return claim;
                }
              });
    }
  }

  static class UnguardedCompletion extends OnDatabase {
    UnguardedCompletion() {
      super(
          Backend.H2,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
                  super.complete(lease, outcome, retention);
                  return LeaseCheck.HELD;
                }
              });
    }
  }

  static class IgnoredMark extends OnDatabase {
    IgnoredMark() {
      super(
          Backend.H2,
          (scope, pool) ->
              new BrokenScope(scope) {
                private boolean marked;

                @Override
                public void setRollbackOnly() {
                  marked = true;
                }

                @Override
                public boolean isRollbackOnly() {
                  return marked;
                }
              });
    }
  }

  static class LostFingerprint extends OnDatabase {
    LostFingerprint() {
      super(
          Backend.H2,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration wait) {
                  return super.claim(Requests.with(request, Fingerprint.NONE), outcome, wait);
                }
              });
    }
  }

  /** Inserts first and asks afterwards: on PostgreSQL the caller cannot go on. */
  static class AbortedByADuplicate extends OnDatabase {
    AbortedByADuplicate() {
      super(
          Backend.POSTGRESQL,
          (scope, pool) ->
              new BrokenScope(scope) {
                @Override
                Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration wait) {
                  Claim claim = super.claim(request, outcome, wait);
                  if (claim instanceof Claim.Completed) {
                    insertAgain(unwrap(Connection.class), request.id());
                  }
                  return claim;
                }
              });
    }

    private static void insertAgain(Connection connection, RecordId id) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(
            "INSERT INTO idem_record (id, expires_at, attempt, state) VALUES ('"
                + id
                + "', 0, 1, 2)");
        throw new AssertionError("It is a duplicate");
      } catch (SQLException caught) {
        assertThat(caught.getSQLState()).isEqualTo("23505");
      }
    }
  }
}
