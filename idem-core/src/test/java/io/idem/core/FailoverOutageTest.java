package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an outage costs those who go on, and what is made up for after it. */
class FailoverOutageTest {

  private static final Duration LEASE = Duration.ofSeconds(30);
  private static final Duration RETENTION = Duration.ofHours(1);
  private static final Duration PROBE = Duration.ofSeconds(5);
  private static final StoredOutcome ANSWER = StoredOutcome.done();

  private final AtomicLong clock = new AtomicLong();
  private final ScriptedStore primary = scripted();
  private final ScriptedStore fallback = scripted();
  private final AtomicLong ids = new AtomicLong();

  private ScriptedStore scripted() {
    return new ScriptedStore(new InMemoryStore(10_000, clock::get));
  }

  private FailoverStore store(FallbackPolicy policy) {
    return new FailoverStore(primary, fallback, policy, clock::get);
  }

  private ClaimRequest request() {
    return request(new RecordId(ids.incrementAndGet(), 0));
  }

  private ClaimRequest request(RecordId id) {
    return new ClaimRequest(
        id,
        new RecordLabel("", "op", "", "k"),
        Fingerprint.NONE,
        new OwnerToken(0, ids.incrementAndGet()),
        LEASE,
        RETENTION,
        false);
  }

  private Lease claimed(IdempotencyStore store) {
    return ((Claim.Acquired) store.claim(request())).lease();
  }

  private List<Lease> claimed(IdempotencyStore store, int count) {
    List<Lease> leases = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      leases.add(claimed(store));
    }
    return leases;
  }

  private void pass(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  private static void down(ScriptedStore store) {
    for (Verb verb : Verb.values()) {
      store.on(verb, ScriptedStore.DOWN);
    }
  }

  /** Refuses what a test says for good, and answers everything else. */
  private static ScriptedStore.Fault refusing(Set<Integer> refused) {
    AtomicInteger calls = new AtomicInteger();
    return new ScriptedStore.Fault() {
      @Override
      public <R> R apply(Supplier<R> real) {
        if (refused.contains(calls.getAndIncrement())) {
          throw new StoreUnavailableException("Too large", null);
        }
        return real.get();
      }
    };
  }

  // ---- running leases

  @ParameterizedTest
  @EnumSource
  void renewalsDoNotWaitForAPrimaryThatIsDownButNoticeItsReturn(FallbackPolicy policy) {
    FailoverStore store = store(policy);
    List<Lease> leases = claimed(store, 50);
    down(primary);
    for (int round = 0; round < 3; round++) {
      for (Lease lease : leases) {
        assertThat(store.renew(lease, LEASE)).isEqualTo(LeaseCheck.HELD);
      }
    }
    assertThat(primary.calls(Verb.RENEW)).as("calls until it was known").isEqualTo(1);
    assertThat(store.missedByPrimary()).as("with those left out").isEqualTo(150);
    pass(PROBE);
    leases.forEach(lease -> store.renew(lease, LEASE));
    assertThat(primary.calls(Verb.RENEW)).as("and one probe").isEqualTo(2);

    primary.heal(Verb.values());
    leases.forEach(lease -> store.renew(lease, LEASE));
    assertThat(primary.calls(Verb.RENEW)).isEqualTo(2);
    pass(PROBE);
    leases.forEach(lease -> store.renew(lease, LEASE));
    assertThat(primary.calls(Verb.RENEW)).as("it is back").isEqualTo(52);
  }

  @Test
  void renewalsDoNotWaitForAnOptionalFallbackThatIsDown() {
    FailoverStore store = store(FallbackPolicy.OPTIONAL);
    List<Lease> leases = claimed(store, 50);
    down(fallback);
    for (Lease lease : leases) {
      assertThat(store.renew(lease, LEASE)).isEqualTo(LeaseCheck.HELD);
    }
    assertThat(fallback.calls(Verb.RENEW)).isEqualTo(1);
    down(primary);
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> store.renew(leases.get(0), LEASE));
  }

  @Test
  void oneAtATimeLooksWhetherAStoreIsBack() throws Exception {
    FailoverStore store = store(FallbackPolicy.REQUIRED);
    List<Lease> leases = claimed(store, 10);
    down(primary);
    store.renew(leases.get(0), LEASE);
    pass(PROBE);
    CountDownLatch hangs = new CountDownLatch(1);
    CountDownLatch timeout = new CountDownLatch(1);
    primary.on(
        Verb.RENEW,
        ScriptedStore.after(
            () -> {
              try {
                if (hangs.getCount() > 0) { // only the first hangs: the rest is to be counted
                  hangs.countDown();
                  assertThat(timeout.await(20, TimeUnit.SECONDS)).isTrue();
                }
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              throw ScriptedStore.down();
            }));
    Thread prober = new Thread(() -> store.renew(leases.get(1), LEASE));
    prober.start();
    assertThat(hangs.await(20, TimeUnit.SECONDS)).as("somebody probes").isTrue();
    int before = fallback.calls(Verb.RENEW);
    pass(PROBE.multipliedBy(2));
    leases.subList(2, 10).forEach(lease -> store.renew(lease, LEASE));
    assertThat(fallback.calls(Verb.RENEW)).as("none waited").isEqualTo(before + 8);
    timeout.countDown();
    prober.join(20_000);
    assertThat(primary.calls(Verb.RENEW)).isEqualTo(2);
  }

  @Test
  void aClaimThatWasHeldBackDoesNotPutOffTheNextProbe() {
    FailoverStore store = store(FallbackPolicy.REQUIRED);
    Lease lease = claimed(store);
    down(primary);
    store.renew(lease, LEASE);
    pass(PROBE);
    primary.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              throw new StoreNotAskedException("held back", null);
            }));
    claimed(store);
    store.renew(lease, LEASE);
    assertThat(primary.calls(Verb.RENEW)).isEqualTo(2);
  }

  @Test
  void aRequiredFallbackIsWrittenToFirst() {
    FailoverStore store = store(FallbackPolicy.REQUIRED);
    Lease lease = claimed(store);
    primary.on(
        Verb.RENEW, ScriptedStore.after(() -> assertThat(fallback.calls(Verb.RENEW)).isEqualTo(1)));
    assertThat(store.renew(lease, LEASE)).isEqualTo(LeaseCheck.HELD);
    pass(LEASE.plusSeconds(1));
    fallback.release(lease);
    assertThat(store.complete(lease, ANSWER, RETENTION)).isEqualTo(LeaseCheck.LOST);
    assertThat(primary.calls(Verb.COMPLETE)).as("what is lost is not written").isZero();
  }

  // ---- ending runs

  @ParameterizedTest
  @EnumSource
  void whatEndsIsOwedAtOnceToAStoreThatIsKnownToBeDown(FallbackPolicy policy) {
    FailoverStore store = store(policy);
    List<Lease> leases = claimed(store, 10);
    down(primary);
    leases.subList(0, 8).forEach(lease -> store.complete(lease, ANSWER, RETENTION));
    leases.subList(8, 10).forEach(store::release);
    assertThat(primary.calls(Verb.COMPLETE) + primary.calls(Verb.RELEASE)).isEqualTo(1);
    assertThat(store.owed()).isEqualTo(10);
    primary.heal(Verb.values());
    store.purgeExpired(10);
    assertThat(store.owed()).isZero();
    leases
        .subList(0, 8)
        .forEach(
            lease ->
                assertThat(primary.claim(request(lease.id()))).isInstanceOf(Claim.Completed.class));
    leases
        .subList(8, 10)
        .forEach(
            lease ->
                assertThat(primary.claim(request(lease.id()))).isInstanceOf(Claim.Acquired.class));
  }

  @Test
  void aGiveBackReachesAStoreThatMayHoldTheToken() {
    FailoverStore store = store(FallbackPolicy.REQUIRED);
    down(primary);
    claimed(store);
    primary.heal(Verb.values());
    Lease mine = claimed(primary); // an answer that was lost; the fallback never granted it
    store.release(mine);
    assertThat(primary.claim(request(mine.id()))).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void whatWasOnlyPerhapsGrantedTakesHalfOfThePlaces() {
    FailoverStore store = store(FallbackPolicy.OPTIONAL);
    Lease done = claimed(store);
    store.complete(done, ANSWER, RETENTION);
    List<Lease> running = claimed(store, 400);
    down(fallback);
    for (int i = 0; i < 1_000; i++) {
      assertThat(store.claim(request(done.id()))).isInstanceOf(Claim.Completed.class);
    }
    assertThat(store.owed()).isEqualTo(500);
    running.forEach(lease -> store.complete(lease, ANSWER, RETENTION));
    assertThat(store.owed()).isEqualTo(900);
    assertThat(store.givenUp()).isZero();
  }

  @Test
  void whatDoesNotFitIsAskedAndGivenUp() {
    FailoverStore store = store(FallbackPolicy.REQUIRED);
    List<Lease> leases = claimed(store, 1_002);
    down(primary);
    leases.forEach(lease -> store.complete(lease, ANSWER, RETENTION));
    assertThat(store.owed()).isEqualTo(1_000);
    assertThat(store.givenUp()).isEqualTo(2);
    assertThat(primary.calls(Verb.COMPLETE)).as("the first, and what found no place").isEqualTo(3);
  }

  // ---- settling

  private FailoverStore owing(int debts) {
    FailoverStore store = store(FallbackPolicy.REQUIRED);
    List<Lease> leases = claimed(store, debts);
    down(primary);
    leases.forEach(lease -> store.complete(lease, ANSWER, RETENTION));
    assertThat(store.owed()).isEqualTo(debts);
    primary.heal(Verb.values());
    return store;
  }

  @Test
  void oneWriteThatIsRefusedForGoodHoldsUpNoOther() {
    FailoverStore store = owing(200);
    primary.on(Verb.COMPLETE, refusing(new HashSet<>(Set.of(0, 1))));
    store.purgeExpired(10);
    assertThat(store.owed()).isEqualTo(2);
    store.purgeExpired(10);
    assertThat(store.owed()).isZero();
  }

  @Test
  void whatFailedIsTriedLast() {
    FailoverStore store = owing(50);
    primary.on(Verb.COMPLETE, refusing(Set.of(0, 1, 2)));
    store.purgeExpired(10);
    assertThat(store.owed()).as("three in a row look like an outage").isEqualTo(50);
    assertThat(primary.calls(Verb.COMPLETE)).isEqualTo(4);
    primary.on(Verb.COMPLETE, refusing(Set.of(47, 48, 49)));
    store.purgeExpired(10);
    assertThat(store.owed()).isEqualTo(3);
    assertThat(primary.claim(request(new RecordId(1, 0))))
        .as("the first debt is among the last")
        .isInstanceOf(Claim.Running.class);
  }

  @Test
  void aStoreThatIsHeldBackIsAskedOnce() {
    FailoverStore store = owing(10);
    int before = primary.calls(Verb.COMPLETE);
    primary.on(
        Verb.COMPLETE,
        ScriptedStore.after(
            () -> {
              throw new StoreNotAskedException("held back", null);
            }));
    store.purgeExpired(10);
    assertThat(primary.calls(Verb.COMPLETE)).isEqualTo(before + 1);
  }

  @Test
  void whatIsRefusedAgainAndAgainIsGivenUp() {
    FailoverStore store = owing(1);
    primary.on(Verb.COMPLETE, ScriptedStore.DOWN);
    for (int i = 0; i < 1_000; i++) {
      store.purgeExpired(10); // without a pause, as when purging catches up
    }
    assertThat(store.owed()).isEqualTo(1);
    for (int i = 0; i < 20; i++) {
      assertThat(store.owed()).isEqualTo(i < 10 ? 1 : 0);
      pass(Duration.ofMinutes(1));
      store.purgeExpired(10);
    }
    assertThat(store.givenUp()).isEqualTo(1);
  }

  @Test
  void nothingIsGivenUpInALongOutage() {
    FailoverStore store = owing(5);
    down(primary);
    for (int i = 0; i < 100; i++) {
      pass(Duration.ofSeconds(30));
      store.purgeExpired(10);
    }
    assertThat(store.owed()).isEqualTo(5);
  }

  @Test
  void aRefusedDebtSaysNothingAboutTheStore() {
    IdempotencyStore neverPurged =
        new FailoverCapabilitiesTest.Forwarding(primary, (id, wake) -> null);
    FailoverStore store =
        new FailoverStore(neverPurged, fallback, FallbackPolicy.REQUIRED, clock::get);
    Lease running = claimed(store);
    Lease refused = claimed(store);
    primary.on(Verb.COMPLETE, ScriptedStore.DOWN);
    store.complete(refused, ANSWER, RETENTION);
    claimed(store); // it answers
    store.purgeExpired(10);
    assertThat(primary.calls(Verb.COMPLETE)).isEqualTo(2);
    store.renew(running, LEASE);
    assertThat(primary.calls(Verb.RENEW)).as("it is not thought to be down").isEqualTo(1);
  }

  // ---- who settles

  @Test
  void anEngineThatNeverPurgesIsRefused() {
    FailoverStore store = store(FallbackPolicy.REQUIRED);
    assertThatIllegalStateException()
        .isThrownBy(() -> Idempotency.builder().store(store).purgeEvery(Duration.ZERO).build())
        .withMessageContaining("set purgeEvery to more than zero");
    Idempotency.builder().store(primary).purgeEvery(Duration.ZERO).build().close();
  }
}
