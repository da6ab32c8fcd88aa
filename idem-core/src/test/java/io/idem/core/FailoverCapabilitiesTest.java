package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.KeyWatchers;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What two stores as one can do besides claiming one key after the other. */
class FailoverCapabilitiesTest {

  private static final StoredOutcome ANSWER = StoredOutcome.result(new byte[] {4, 2});
  private static final Duration LEASE = Duration.ofSeconds(30);
  private static final Duration RETENTION = Duration.ofHours(1);

  private final AtomicLong clock = new AtomicLong();
  private final InMemoryStore primaryMemory = new InMemoryStore(10_000, clock::get);
  private final InMemoryStore fallbackMemory = new InMemoryStore(10_000, clock::get);
  private final Batching primary = new Batching(primaryMemory);
  private final Batching fallback = new Batching(fallbackMemory);
  private final AtomicLong tokens = new AtomicLong();

  /** A store with batches, signals and purges, whose calls are counted and may fail. */
  private static final class Batching
      implements IdempotencyStore, BatchClaims, CompletionSignal, ExpiredEntries {

    final ScriptedStore single;
    final InMemoryStore memory;
    final KeyWatchers watchers = new KeyWatchers();
    final List<String> calls = new ArrayList<>();
    boolean listens = true;
    @Nullable RuntimeException failure;

    Batching(InMemoryStore memory) {
      this.memory = memory;
      this.single = new ScriptedStore(memory);
    }

    private void called(String what) {
      calls.add(what);
      if (failure != null) {
        throw failure;
      }
    }

    @Override
    public List<Claim> claimAll(List<ClaimRequest> requests) {
      called("claimAll " + requests.size());
      return memory.claimAll(requests);
    }

    @Override
    public List<LeaseCheck> completeAll(List<Completion> completions) {
      called("completeAll " + completions.size());
      return memory.completeAll(completions);
    }

    @Override
    public Claim claim(ClaimRequest request) {
      called("claim");
      return single.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      called("complete");
      return single.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      called("release");
      return single.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      called("renew");
      return single.renew(lease, leaseFor);
    }

    @Override
    public @Nullable Watch watch(RecordId id, Runnable wake) {
      return listens ? watchers.add(id, wake) : null;
    }

    @Override
    public int purgeExpired(int limit) {
      called("purge");
      return single.purgeExpired(limit);
    }

    @Override
    public Optional<Duration> purgeLag() {
      called("lag");
      return memory.purgeLag();
    }

    @Override
    public Object purgeTarget() {
      return memory;
    }
  }

  private static BatchClaims batches(IdempotencyStore store) {
    return store.capability(BatchClaims.class).orElseThrow();
  }

  private BatchClaims optional() {
    return batches(new FailoverStore(primary, fallback, FallbackPolicy.OPTIONAL));
  }

  private ClaimRequest request(int key) {
    return request(key, false);
  }

  private ClaimRequest request(int key, boolean takeOver) {
    return new ClaimRequest(
        new RecordId(key, 0),
        new RecordLabel("", "op", "", "k" + key),
        Fingerprint.of("request"),
        new OwnerToken(0, tokens.incrementAndGet()),
        LEASE,
        RETENTION,
        takeOver);
  }

  private List<ClaimRequest> requests(int... keys) {
    return IntStream.of(keys).mapToObj(this::request).toList();
  }

  private static List<Completion> completions(List<Claim> claims) {
    return claims.stream()
        .map(claim -> new Completion(((Claim.Acquired) claim).lease(), ANSWER, RETENTION))
        .toList();
  }

  private static StoreUnavailableException down() {
    return ScriptedStore.down();
  }

  // ---- what there is

  @Test
  void aCapabilityThatNoStoreHasIsNotThere() {
    IdempotencyStore plain = new FailoverStore(bare(), bare());
    assertThat(plain.capability(BatchClaims.class)).isEmpty();
    assertThat(plain.capability(CompletionSignal.class)).isEmpty();
    assertThat(plain).isNotInstanceOf(BatchClaims.class).isNotInstanceOf(CompletionSignal.class);

    assertThat(new FailoverStore(primary, bare()).capability(BatchClaims.class)).isPresent();
    assertThat(new FailoverStore(bare(), fallback).capability(BatchClaims.class)).isPresent();
    assertThat(new FailoverStore(primary, bare()).capability(CompletionSignal.class))
        .as("the fallback decides, and would be asked too early")
        .isEmpty();
    assertThat(new FailoverStore(bare(), fallback).capability(CompletionSignal.class)).isPresent();
  }

  private static IdempotencyStore bare() {
    return new ScriptedStore(new InMemoryStore());
  }

  @Test
  void aStoreHasWhatItImplementsAndADecoratorHidesWhatItDoesNotPassOn() {
    assertThat(primary.capability(BatchClaims.class)).containsSame(primary);
    assertThat(primary.capability(String.class)).isEmpty();
    assertThat(bare().capability(BatchClaims.class)).isEmpty();
  }

  // ---- batches

  @ParameterizedTest
  @EnumSource
  void aNewBatchIsTwoCallsToEachStoreAndAReplayOne(FallbackPolicy policy) {
    BatchClaims store = batches(new FailoverStore(primary, fallback, policy));
    List<Claim> claims = store.claimAll(requests(3, 1, 2));
    assertThat(claims).hasOnlyElementsOfType(Claim.Acquired.class);
    assertThat(store.completeAll(completions(claims))).containsOnly(LeaseCheck.HELD);
    assertThat(primary.calls).containsExactly("claimAll 3", "completeAll 3");
    assertThat(fallback.calls).containsExactly("claimAll 3", "completeAll 3");

    assertThat(store.claimAll(requests(1, 2, 3)))
        .containsOnly(new Claim.Completed(Fingerprint.of("request"), ANSWER));
    assertThat(fallback.calls).hasSize(3).endsWith("claimAll 3");
    assertThat(primary.calls).hasSize(2);
  }

  @Test
  void onlyKeysThatTheFallbackGrantsAreAskedOfThePrimary() {
    BatchClaims store = batches(new FailoverStore(primary, fallback));
    store.completeAll(completions(store.claimAll(requests(1, 2))));
    primary.calls.clear();
    store.claimAll(requests(1, 2, 3, 4, 5));
    assertThat(primary.calls).containsExactly("claimAll 3");
  }

  @Test
  void ofOneBatchEachKeyIsAnsweredByTheRules() {
    FailoverStore store = new FailoverStore(primary, fallback);
    Claim.Acquired lost = (Claim.Acquired) store.claim(request(1));
    Claim.Acquired dead = (Claim.Acquired) store.claim(request(2));
    store.renew(lost.lease(), Duration.ZERO);
    store.renew(dead.lease(), Duration.ZERO);
    // The primary alone knows of these: a run elsewhere, an outcome, an outcome of another request.
    primaryMemory.claim(request(3));
    for (int key : new int[] {4, 5}) {
      Claim.Acquired done = (Claim.Acquired) primaryMemory.claim(request(key));
      primaryMemory.complete(done.lease(), ANSWER, RETENTION);
    }
    ClaimRequest misuse = withFingerprint(request(5), Fingerprint.of("another"));

    List<Claim> claims =
        batches(store)
            .claimAll(
                List.of(misuse, request(4), request(3), request(2), request(1, true), request(6)));

    assertThat(claims.get(0)).isInstanceOf(Claim.Completed.class);
    assertThat(claims.get(1)).isInstanceOf(Claim.Completed.class);
    assertThat(claims.get(2)).isInstanceOf(Claim.Running.class);
    assertThat(claims.get(3)).isEqualTo(new Claim.Abandoned(Fingerprint.of("request"), 1));
    assertThat(((Claim.Acquired) claims.get(4)).lease().attempt()).isEqualTo(2);
    assertThat(((Claim.Acquired) claims.get(5)).lease().attempt()).isEqualTo(1);
    assertThat(fallbackMemory.claim(request(4))).as("copied").isInstanceOf(Claim.Completed.class);
    assertThat(fallbackMemory.claim(request(5)))
        .as("given back")
        .isInstanceOf(Claim.Acquired.class);
    assertThat(fallbackMemory.claim(request(3)))
        .as("given back")
        .isInstanceOf(Claim.Acquired.class);
    assertThat(primaryMemory.claim(request(2)))
        .as("not wanted")
        .isInstanceOf(Claim.Abandoned.class);
    assertThat(store.owed()).isZero();
  }

  private static ClaimRequest withFingerprint(ClaimRequest request, Fingerprint fingerprint) {
    return new ClaimRequest(
        request.id(),
        request.label(),
        fingerprint,
        request.token(),
        request.leaseFor(),
        request.retention(),
        request.takeOver());
  }

  @ParameterizedTest
  @EnumSource
  void aBatchRunsWhileThePrimaryIsDownAndIsReplayedAfterwards(FallbackPolicy policy) {
    FailoverStore store = new FailoverStore(primary, fallback, policy);
    primary.failure = down();
    List<Claim> claims = batches(store).claimAll(requests(1, 2, 3));
    assertThat(batches(store).completeAll(completions(claims))).containsOnly(LeaseCheck.HELD);
    assertThat(store.grantedByOne()).isEqualTo(3);
    assertThat(store.missedByPrimary()).isEqualTo(2);
    assertThat(store.missedByFallback()).isZero();
    assertThat(store.owed()).as("outcomes to the primary").isEqualTo(3);
    primary.failure = null;
    assertThat(batches(store).claimAll(requests(1, 2, 3)))
        .hasOnlyElementsOfType(Claim.Completed.class);
    store.purgeExpired(10);
    assertThat(store.owed()).isZero();
  }

  @Test
  void anOptionalFallbackThatIsDownLeavesABatchToThePrimary() {
    fallback.failure = down();
    List<Claim> claims = optional().claimAll(requests(1, 2));
    assertThat(claims).hasOnlyElementsOfType(Claim.Acquired.class);
    fallback.failure = new StoreNotAskedException("held back", null);
    primary.failure = down();
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> optional().claimAll(requests(3, 4)))
        .isSameAs(primary.failure);
  }

  @Test
  void aRequiredFallbackThatIsDownGrantsNothing() {
    fallback.failure = down();
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> batches(new FailoverStore(primary, fallback)).claimAll(requests(1, 2)));
    assertThat(primary.calls).isEmpty();
  }

  /**
   * Nothing may be left behind in a store that was asked for the first keys and not for the rest.
   */
  @ParameterizedTest
  @EnumSource
  void whatAStoreWithoutBatchesGrantedBeforeItWasHeldBackIsWrittenTo(FallbackPolicy policy) {
    AtomicInteger claims = new AtomicInteger();
    primary.single.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              if (claims.incrementAndGet() > 1) {
                throw new StoreNotAskedException("held back", null);
              }
            }));
    FailoverStore store = new FailoverStore(primary.single, fallback, policy);
    List<Claim> granted = batches(store).claimAll(requests(1, 2));
    batches(store).completeAll(completions(granted));
    store.purgeExpired(10); // it stopped in the middle of a batch, so it is told later
    assertThat(primaryMemory.claim(request(1))).isInstanceOf(Claim.Completed.class);
  }

  @Test
  void givingBackABatchAsksAStoreThatFailsOnlyOnce() {
    List<ClaimRequest> theirs = requests(1, 2, 3, 4);
    primaryMemory.claimAll(theirs);
    FailoverStore store = new FailoverStore(primary, fallback);
    fallback.single.on(Verb.RELEASE, ScriptedStore.DOWN);
    assertThat(batches(store).claimAll(requests(1, 2, 3, 4)))
        .hasOnlyElementsOfType(Claim.Running.class);
    assertThat(fallback.single.calls(Verb.RELEASE)).isEqualTo(1);
    assertThat(store.owed()).isEqualTo(4);
    fallback.single.heal(Verb.RELEASE);
    store.purgeExpired(10);
    assertThat(fallbackMemory.claimAll(requests(1, 2, 3, 4)))
        .hasOnlyElementsOfType(Claim.Acquired.class);
  }

  @Test
  void aLostTakeOverOfABatchIsGivenBackAndStaysAbandoned() {
    FailoverStore store = new FailoverStore(primary, fallback);
    Claim.Acquired lost = (Claim.Acquired) store.claim(request(1));
    store.renew(lost.lease(), Duration.ZERO);
    IdempotencyStore failing = secondBatchFails(fallback);
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(
            () ->
                batches(new FailoverStore(primary, failing))
                    .claimAll(List.of(request(1, true), request(2, true))));
    assertThat(primaryMemory.claim(request(1))).isInstanceOf(Claim.Abandoned.class);
  }

  private static IdempotencyStore secondBatchFails(Batching store) {
    AtomicInteger batches = new AtomicInteger();
    store.single.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              if (batches.incrementAndGet() > 2) { // of the first look there are two keys
                throw down();
              }
            }));
    return store.single;
  }

  @Test
  void aCompletionLostInOneStoreIsNotWrittenToTheOther() {
    FailoverStore store = new FailoverStore(primary, fallback, FallbackPolicy.OPTIONAL);
    List<Claim> claims = batches(store).claimAll(requests(1, 2));
    primaryMemory.renew(((Claim.Acquired) claims.get(0)).lease(), Duration.ZERO);
    primaryMemory.claim(request(1, true));
    assertThat(batches(store).completeAll(completions(claims)))
        .containsExactly(LeaseCheck.LOST, LeaseCheck.HELD);
    assertThat(fallback.calls).endsWith("complete");
    assertThat(fallbackMemory.claim(request(1))).isInstanceOf(Claim.Running.class);
  }

  @Test
  void aBatchThatMustBeRepeatedIsWrittenToTheSameStores() {
    FailoverStore store = new FailoverStore(primary, fallback, FallbackPolicy.OPTIONAL);
    primary.failure = new StoreNotAskedException("held back", null);
    List<Claim> claims = batches(store).claimAll(requests(1, 2));
    primary.failure = null;
    fallback.failure = down();
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> batches(store).completeAll(completions(claims)));
    fallback.failure = null;
    assertThat(batches(store).completeAll(completions(claims)))
        .as("the primary was never asked to grant them")
        .containsOnly(LeaseCheck.HELD);
    assertThat(primary.calls).containsExactly("claimAll 2");
  }

  @Test
  void aBatchIsBounded() {
    List<ClaimRequest> many = IntStream.range(0, 1_001).mapToObj(this::request).toList();
    assertThatIllegalArgumentException().isThrownBy(() -> optional().claimAll(many));
    List<Completion> outcomes =
        Stream.generate(
                () ->
                    new Completion(
                        new Lease(new RecordId(0, 0), new OwnerToken(0, 0), 1), ANSWER, RETENTION))
            .limit(1_001)
            .toList();
    assertThatIllegalArgumentException().isThrownBy(() -> optional().completeAll(outcomes));
    assertThat(primary.calls).isEmpty();
    assertThat(fallback.calls).isEmpty();
  }

  // ---- signals

  @Test
  void eitherStoreWakesUntilTheWatchIsClosed() {
    CompletionSignal signal =
        new FailoverStore(primary, fallback).capability(CompletionSignal.class).orElseThrow();
    AtomicInteger woken = new AtomicInteger();
    RecordId id = new RecordId(1, 0);
    CompletionSignal.Watch watch = signal.watch(id, woken::incrementAndGet);
    primary.watchers.wake(id);
    assertThat(woken).hasValue(1);
    fallback.watchers.wake(id);
    assertThat(woken).hasValue(2);
    watch.close();
    primary.watchers.wake(id);
    fallback.watchers.wake(id);
    assertThat(woken).hasValue(2);

    fallback.listens = false;
    CompletionSignal.Watch primaryOnly = signal.watch(id, woken::incrementAndGet);
    primary.watchers.wake(id);
    assertThat(woken).hasValue(3);
    primaryOnly.close();
    primary.listens = false;
    assertThat(signal.watch(id, woken::incrementAndGet)).isNull();
  }

  @Test
  void aPrimaryThatCannotBeWatchedLeavesItToTheFallback() {
    FailoverStore store =
        new FailoverStore(
            new Forwarding(
                primary,
                (id, wake) -> {
                  throw down();
                }),
            fallback);
    CompletionSignal signal = store.capability(CompletionSignal.class).orElseThrow();
    AtomicInteger woken = new AtomicInteger();
    RecordId id = new RecordId(1, 0);
    CompletionSignal.Watch watch = signal.watch(id, woken::incrementAndGet);
    fallback.watchers.wake(id);
    assertThat(woken).hasValue(1);
    watch.close();
    fallback.watchers.wake(id);
    assertThat(woken).hasValue(1);
    fallback.listens = false;
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> signal.watch(id, woken::incrementAndGet));
  }

  @Test
  void aWaiterIsWokenThroughTheEngine() throws Exception {
    FailoverStore store = new FailoverStore(new InMemoryStore(), new InMemoryStore());
    AtomicInteger watches = new AtomicInteger();
    CompletionSignal inner = store.capability(CompletionSignal.class).orElseThrow();
    CompletionSignal counted =
        (id, wake) -> {
          watches.incrementAndGet();
          return inner.watch(id, wake);
        };
    try (Idempotency one = Idempotency.builder().store(store).build();
        Idempotency other = Idempotency.builder().store(new Forwarding(store, counted)).build()) {
      Operation<String> here = one.operation("charge", String.class).build();
      Operation<String> there = other.operation("charge", String.class).build();
      List<Execution<String>> repeats = new ArrayList<>();
      Thread[] waiter = new Thread[1];
      here.execute(
          IdempotentRequest.of("k"),
          attempt -> {
            waiter[0] =
                new Thread(
                    () -> repeats.add(there.execute(IdempotentRequest.of("k"), again -> "second")));
            waiter[0].start();
            Concurrency.awaitUntil("the waiter listens", () -> watches.get() > 0);
            return "first";
          });
      waiter[0].join(20_000);
      assertThat(repeats).containsExactly(new Execution.Replayed<>("first"));
    }
  }

  /** A decorator as an application writes it: the verbs, and the one capability it passes on. */
  record Forwarding(IdempotencyStore store, CompletionSignal signal) implements IdempotencyStore {

    @Override
    public Claim claim(ClaimRequest request) {
      return store.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return store.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return store.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return store.renew(lease, leaseFor);
    }

    @Override
    public <C> Optional<C> capability(Class<C> type) {
      return type == CompletionSignal.class ? Optional.of(type.cast(signal)) : Optional.empty();
    }
  }

  // ---- purging

  @Test
  void aStoreThatIsDownKeepsTheOtherFromNothing() {
    FailoverStore store = new FailoverStore(primary, fallback);
    batches(store).completeAll(completions(batches(store).claimAll(requests(1, 2, 3))));
    clock.addAndGet(RETENTION.plusHours(2).toNanos());
    assertThat(store.purgeLag()).contains(Duration.ofHours(2));
    primary.failure = down();
    assertThat(store.purgeLag()).contains(Duration.ofHours(2));
    assertThat(store.purgeExpired(10)).isEqualTo(3);
    assertThat(fallbackMemory.size()).isZero();
    fallback.failure = down();
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> store.purgeExpired(10));
    primary.failure = null;
    assertThat(store.purgeExpired(2)).as("no more than the limit").isEqualTo(2);
    assertThat(store.purgeLag()).contains(Duration.ofHours(2));
    assertThat(store.purgeExpired(10)).isEqualTo(1);
    assertThat(store.purgeLag()).contains(Duration.ZERO);
  }

  @Test
  void storesThatForgetByThemselvesAreNotPurged() {
    FailoverStore store = new FailoverStore(noPurge(), noPurge());
    assertThat(store.purgeExpired(10)).isZero();
    assertThat(store.purgeLag()).isEmpty();
    assertThat(store.purgeTargets()).isEqualTo(Set.of(store));
  }

  private static IdempotencyStore noPurge() {
    IdempotencyStore memory = new InMemoryStore();
    return new Forwarding(memory, (id, wake) -> null);
  }

  @Test
  void aPlaceThatTheFailoverPurgesIsNotPurgedAgain() {
    FailoverStore store = new FailoverStore(primary, fallback);
    assertThat(store.purgeTargets()).isEqualTo(Set.of(store, primaryMemory, fallbackMemory));
    FakePlace samePlace = new FakePlace(primaryMemory);
    FakePlace otherPlace = new FakePlace(new Object());
    try (Idempotency engine =
        Idempotency.builder().store(store).purgeEvery(Duration.ofMillis(5)).build()) {
      engine.operation("same").transactional(samePlace).build();
      engine.operation("other").transactional(otherPlace).build();
      Concurrency.awaitUntil("the other is purged often", () -> otherPlace.purges.get() > 5);
    }
    assertThat(samePlace.purges).hasValue(0);
  }

  private static final class FakePlace implements TransactionalStore, ExpiredEntries {

    private final Object target;
    final AtomicInteger purges = new AtomicInteger();

    FakePlace(Object target) {
      this.target = target;
    }

    @Override
    public int purgeExpired(int limit) {
      purges.incrementAndGet();
      return 0;
    }

    @Override
    public Object purgeTarget() {
      return target;
    }

    @Override
    public <R, X extends Throwable> R inTransaction(TransactionWork<R, X> work) {
      throw new AssertionError("not needed");
    }
  }
}
