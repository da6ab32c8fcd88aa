package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * What the contracts of transactional stores have in common: a fixture, and words to speak of it.
 */
abstract class TransactionalContract {

  /** A wait that no case is to reach its end of. */
  static final Duration LONG = Duration.ofSeconds(30);

  static final Duration SHORT = Duration.ofMillis(300);
  static final Duration SECOND = Duration.ofSeconds(1);

  /**
   * The store under test. The one method that a backend overrides.
   *
   * @return always the same fixture
   */
  protected TransactionalFixture fixture() {
    throw new IllegalStateException(
        getClass().getName()
            + " names no store: override fixture() and return a TransactionalFixture");
  }

  /**
   * The store under test, which begins transactions of its own.
   *
   * @return what the fixture has, unless overridden
   */
  protected TransactionalStore store() {
    return fixture().store();
  }

  /**
   * The same store as another node sees it.
   *
   * @return what the fixture has, unless overridden
   */
  protected TransactionalStore otherStore() {
    return fixture().otherStore();
  }

  /**
   * The same records as leased keys.
   *
   * @return what the fixture has, unless overridden
   */
  protected IdempotencyStore leasedStore() {
    return fixture().leasedStore();
  }

  /**
   * Runs work in a transaction that the backend's own means begin and end.
   *
   * @param work what to run; the transaction is committed if it answers true, else rolled back
   */
  protected void inCallersTransaction(TransactionalStoreContract.CallersWork work) {
    fixture().inCallersTransaction(work);
  }

  /**
   * Writes an effect in the transaction.
   *
   * @param scope the transaction
   * @param name the effect's name
   */
  protected void write(TransactionScope scope, RecordId name) {
    fixture().write(scope, name);
  }

  /**
   * Counts committed effects.
   *
   * @param name the effect's name
   * @return how often it was written
   */
  protected int effects(RecordId name) {
    return fixture().effects(name);
  }

  /**
   * Counts the statements that wait for another transaction right now.
   *
   * @return how many the database knows of
   */
  protected int waiting() {
    return fixture().waiting();
  }

  /** Whether random histories may let transactions meet. */
  final boolean locksNeighbours() {
    return fixture().locksNeighbours();
  }

  final boolean boundsEveryWait() {
    return fixture().boundsEveryWait();
  }

  /**
   * What the store rounds a wait up to.
   *
   * @return what the fixture says, unless overridden
   */
  protected Duration waitUnit() {
    return fixture().waitUnit();
  }

  /**
   * Makes a record older, instead of sleeping.
   *
   * @param id whose
   * @param by how far every time stored with it is moved into the past
   */
  protected void age(RecordId id, Duration by) {
    fixture().age(id, by);
  }

  static Claim inbox(TransactionScope scope, RecordId id, Duration wait) {
    return scope.claimCompleted(Requests.claimOf(id), StoredOutcome.done(), wait);
  }

  /** One run of an operation without an answer: claim, and write where the key was free. */
  final Claim runInbox(TransactionalStore client, RecordId id) {
    return client.inTransaction(scope -> claimAndWrite(scope, id));
  }

  final Claim claimAndWrite(TransactionScope scope, RecordId id) {
    Claim claim = inbox(scope, id, LONG);
    if (claim instanceof Claim.Acquired) {
      write(scope, id);
    }
    return claim;
  }

  static boolean complete(TransactionScope scope, Lease lease, StoredOutcome outcome) {
    assertThat(scope.complete(lease, outcome, Requests.RETENTION)).isEqualTo(LeaseCheck.HELD);
    return true;
  }

  static Lease acquired(Claim claim) {
    assertThat(claim).isInstanceOf(Claim.Acquired.class);
    return ((Claim.Acquired) claim).lease();
  }

  /** Does something on another thread while a transaction holds a key, which then commits. */
  final void whileHeld(RecordId id, Runnable meanwhile) {
    store()
        .inTransaction(
            scope -> {
              acquired(inbox(scope, id, LONG));
              write(scope, id);
              Together.run(
                  List.<Callable<Boolean>>of(
                      () -> {
                        meanwhile.run();
                        return true;
                      }));
              return true;
            });
  }

  static Claim within(Duration atMost, Callable<Claim> claim) {
    long start = System.nanoTime();
    try {
      Claim answer = claim.call();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(atMost);
      return answer;
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  static void assertCompleted(Claim claim, StoredOutcome outcome) {
    assertThat(claim).isEqualTo(new Claim.Completed(Fingerprint.of("request"), outcome));
  }
}
