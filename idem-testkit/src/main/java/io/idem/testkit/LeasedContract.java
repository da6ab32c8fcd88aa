package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;

/** What the contracts of leased keys have in common: a fixture, and words to speak of it. */
abstract class LeasedContract {

  /** How often a race is run. */
  static final int ROUNDS = 20;

  static final Duration SECOND = Duration.ofSeconds(1);
  static final Fingerprint OTHER_REQUEST = Fingerprint.of("another request");

  /**
   * The store under test. The one method that a backend overrides.
   *
   * @return always the same fixture
   */
  protected LeasedFixture fixture() {
    throw new IllegalStateException(
        getClass().getName() + " names no store: override fixture() and return a LeasedFixture");
  }

  /**
   * The store under test.
   *
   * @return what the fixture has, unless overridden
   */
  protected IdempotencyStore store() {
    return fixture().store();
  }

  /**
   * The same store as another node sees it.
   *
   * @return what the fixture has, unless overridden
   */
  protected IdempotencyStore otherStore() {
    return fixture().otherStore();
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

  final Lease acquire(RecordId id) {
    return acquired(store().claim(Requests.claimOf(id)));
  }

  final Lease abandoned() {
    Lease lease = acquire(Requests.newId());
    age(lease.id(), Requests.LEASE.plus(SECOND));
    return lease;
  }

  final Lease completed() {
    Lease lease = acquire(Requests.newId());
    complete(lease, StoredOutcome.done());
    return lease;
  }

  final Lease expired() {
    Lease lease = completed();
    // A store may keep it for the length of the lease longer.
    age(lease.id(), Requests.RETENTION.plus(Requests.LEASE).plus(SECOND.multipliedBy(30)));
    return lease;
  }

  final void complete(Lease lease, StoredOutcome outcome) {
    assertThat(store().complete(lease, outcome, Requests.RETENTION)).isEqualTo(LeaseCheck.HELD);
  }

  final void assertOneAcquires(RecordId id) {
    List<Claim> answers =
        Together.run(
            List.<Callable<Claim>>of(
                () -> store().claim(Requests.takeOverOf(id)),
                () -> otherStore().claim(Requests.takeOverOf(id))));

    assertThat(answers).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
    assertThat(answers).filteredOn(Claim.Running.class::isInstance).hasSize(1);
  }

  static Lease strangerTo(Lease lease) {
    return new Lease(lease.id(), Requests.newToken(), lease.attempt());
  }

  static Lease acquired(Claim claim) {
    assertThat(claim).isInstanceOf(Claim.Acquired.class);
    return ((Claim.Acquired) claim).lease();
  }

  static void assertRunning(Claim claim) {
    assertThat(claim).isInstanceOf(Claim.Running.class);
    assertThat(((Claim.Running) claim).leaseLeft()).isGreaterThan(Duration.ZERO);
  }

  static void assertAbandoned(Claim claim, int attempt) {
    assertThat(claim).isEqualTo(new Claim.Abandoned(Fingerprint.of("request"), attempt));
  }

  static void assertCompleted(Claim claim, StoredOutcome outcome) {
    assertThat(claim).isInstanceOf(Claim.Completed.class);
    assertThat(((Claim.Completed) claim).outcome()).isEqualTo(outcome);
  }
}
