package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

/**
 * What every transactional store owes its callers.
 *
 * <p>A backend writes one {@link TransactionalFixture} and passes every case; there is none to
 * skip:
 *
 * <pre>{@code
 * @TestInstance(TestInstance.Lifecycle.PER_CLASS)
 * class MyTransactionalStoreTest extends TransactionalStoreContract {
 *
 *   private final TransactionalFixture fixture = new MyTransactionalFixture();
 *
 *   @Override
 *   protected TransactionalFixture fixture() {
 *     return fixture;
 *   }
 * }
 * }</pre>
 *
 * <p>The same fixture runs {@link TransactionalBatchContract}. The cases by what they are about, in
 * the order of the classes they stand in: what a transaction publishes, transactions that meet at
 * one key, keys that are also leased, time, and random histories.
 */
public abstract class TransactionalStoreContract extends WaitingCases {

  /** For subclasses. */
  protected TransactionalStoreContract() {}

  /** Work in a transaction that was there before. */
  @FunctionalInterface
  public interface CallersWork {

    /**
     * Does the work.
     *
     * @param joining a store that joins the caller's transaction
     * @return whether the caller is to commit
     */
    boolean run(TransactionalStore joining);
  }

  // ---- beside leased keys

  @Test
  void leasedOwnersAreSeen() {
    RecordId id = Requests.newId();
    Lease lease = acquired(leasedStore().claim(Requests.claimOf(id)));
    Claim running = within(Duration.ofSeconds(10), () -> runInbox(store(), id));
    assertThat(running).isInstanceOf(Claim.Running.class);
    assertThat(((Claim.Running) running).leaseLeft()).isGreaterThan(Duration.ZERO);

    age(id, Requests.LEASE.plus(SECOND));
    assertThat(runInbox(store(), id)).isEqualTo(new Claim.Abandoned(Fingerprint.of("request"), 1));
    ClaimRequest other = Requests.with(Requests.takeOverOf(id), Fingerprint.of("another request"));
    assertThat(claimCompleted(other)).isInstanceOf(Claim.Abandoned.class);

    assertThat(acquired(claimCompleted(Requests.takeOverOf(id))).attempt()).isEqualTo(2);
    assertThat(leasedStore().complete(lease, StoredOutcome.nullResult(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertCompleted(runInbox(store(), id), StoredOutcome.done());
  }

  @Test
  void leasedClaimsDoNotWaitForATransaction() {
    RecordId id = Requests.newId();
    whileHeld(
        id,
        () ->
            assertThat(
                    within(
                        Duration.ofSeconds(10), () -> leasedStore().claim(Requests.takeOverOf(id))))
                .isInstanceOf(Claim.Running.class));
  }

  // ---- expiry

  @Test
  void expiredOutcomeIsAbsent() {
    RecordId id = Requests.newId();
    runInbox(store(), id);
    age(id, Requests.RETENTION.minus(Requests.LEASE));
    assertCompleted(runInbox(store(), id), StoredOutcome.done());

    age(id, Requests.LEASE.multipliedBy(3));
    assertThat(acquired(runInbox(store(), id)).attempt()).isEqualTo(1);
    assertThat(effects(id)).isEqualTo(2);
  }

  @Test
  void waiterForAnExpiredKeySeesTheNewOutcome() {
    for (boolean commit : new boolean[] {true, false}) {
      RecordId id = Requests.newId();
      runInbox(store(), id);
      age(id, Requests.RETENTION.multipliedBy(2));

      Claim claim = waiterWhile(id, false, commit);

      assertThat(claim instanceof Claim.Completed).isEqualTo(commit);
      assertThat(effects(id)).isEqualTo(2);
    }
  }

  @Test
  void expiredOutcomeIsTakenByOneOfManyAndKeptIfThatRollsBack() {
    RecordId id = Requests.newId();
    runInbox(store(), id);
    age(id, Requests.RETENTION.multipliedBy(2));
    store()
        .inTransaction(
            scope -> {
              acquired(inbox(scope, id, LONG));
              scope.setRollbackOnly();
              return true;
            });

    List<Claim> answers =
        Together.run(
            List.<Callable<Claim>>of(
                () -> runInbox(store(), id), () -> runInbox(otherStore(), id)));

    assertThat(answers).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
    assertThat(effects(id)).isEqualTo(2);
  }

  @Test
  void completionDecidesHowLongAnOutcomeIsKept() {
    RecordId id = Requests.newId();
    ClaimRequest brief = Requests.with(Requests.claimOf(id), Requests.LEASE, SECOND);
    store()
        .inTransaction(
            scope -> complete(scope, acquired(scope.claim(brief, LONG)), StoredOutcome.done()));

    age(id, Requests.RETENTION.minus(Requests.LEASE));
    assertCompleted(runInbox(otherStore(), id), StoredOutcome.done());
  }

  // ---- whose clock

  /** See {@link IdempotencyStoreContract}'s case of the same name. */
  @Test
  void storeNeverAsksTheClockOfItsNode() {
    for (TransactionalStore client : List.of(store(), otherStore())) {
      assertThat(ApplicationClock.readBy(client.getClass()))
          .as("Times are the store's to read: compute with its clock in the statement that writes")
          .isEmpty();
    }
  }

  @Test
  @ResourceLock(Resources.TIME_ZONE)
  void timeZoneOfANodeChangesNothing() {
    Zones.run(
        Zones.hostile(),
        (here, there) -> {
          RecordId id = Requests.newId();
          acquired(Zones.in(here, () -> runInbox(store(), id)));
          age(id, Requests.RETENTION.minus(Requests.LEASE));
          assertCompleted(Zones.in(there, () -> runInbox(otherStore(), id)), StoredOutcome.done());
          age(id, Requests.LEASE.multipliedBy(3));
          acquired(Zones.in(there, () -> runInbox(otherStore(), id)));
          assertCompleted(Zones.in(here, () -> runInbox(store(), id)), StoredOutcome.done());
        });
  }

  // ---- random histories

  /** Seeded; see the message of its failure for how to play a history again. */
  @Test
  void storeAnswersAsItsModelDoes() {
    for (Seed seed : Seed.of(5)) {
      new RandomTransactions(seed, this).play(20);
    }
  }

  private Claim claimCompleted(ClaimRequest request) {
    return store()
        .inTransaction(scope -> scope.claimCompleted(request, StoredOutcome.done(), LONG));
  }
}
