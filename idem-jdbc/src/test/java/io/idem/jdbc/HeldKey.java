package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.testkit.Requests;
import io.idem.testkit.Together;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** A key that a transaction holds, and what is done on another thread meanwhile. */
final class HeldKey {

  /** Longer than a test takes. */
  static final Duration LONGER = Duration.ofSeconds(30);

  private HeldKey() {}

  static Claim inbox(TransactionScope scope, RecordId id, Duration wait) {
    return scope.claimCompleted(Requests.claimOf(id), StoredOutcome.done(), wait);
  }

  static void whileHeld(TestDatabase database, RecordId id, Runnable work) {
    database
        .transactional()
        .inTransaction(
            held -> {
              inbox(held, id, LONGER);
              Together.run(
                  List.<Callable<Boolean>>of(
                      () -> {
                        work.run();
                        return true;
                      }));
              return true;
            });
  }

  /** A caller's transaction waits in vain and goes on, with what was done before. */
  static void assertJoinedOutlivesTheWait(
      TestDatabase database, Duration wait, Consumer<TransactionScope> afterwards) {
    RecordId busy = Requests.newId();
    RecordId before = Requests.newId();
    RecordId after = Requests.newId();
    whileHeld(
        database,
        busy,
        () ->
            database.inTransaction(
                connection ->
                    database
                        .joining(connection)
                        .inTransaction(
                            scope -> {
                              database.write(scope, before);
                              assertThat(inbox(scope, before, wait))
                                  .isInstanceOf(Claim.Acquired.class);
                              assertThat(inbox(scope, busy, wait))
                                  .isInstanceOf(Claim.Running.class);
                              assertThat(inbox(scope, after, wait))
                                  .isInstanceOf(Claim.Acquired.class);
                              afterwards.accept(scope);
                              return true;
                            })));
    assertThat(database.effects(before)).isOne();
    for (RecordId each : List.of(before, after)) {
      assertThat(database.leased().claim(Requests.claimOf(each)))
          .isInstanceOf(Claim.Completed.class);
    }
  }
}
