package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.MapStore.Entry;
import java.text.Normalizer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract accepts a right store, and names what is wrong with each of the others. */
class BrokenStoresTest {

  @Test
  void rightStoreIsAccepted() {
    assertThat(Cases.failing(RightStore.class)).isEmpty();
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments(CheckThenInsert.class, List.of("oneOfManyConcurrentClaimsIsAcquired")),
        arguments(
            UnguardedCompletion.class,
            List.of(
                "completionByAStrangerIsLostAndChangesNothing",
                "lateCompletionIsLostAfterATakeOver",
                "pausedOwnerTouchesNothingOfItsSuccessors",
                "ownerPausedBeyondItsLeaseChangesNothingOfItsSuccessor",
                "ownerOfAnExpiredOutcomeCannotTouchItsSuccessor",
                "storeAnswersAsItsModelDoes")),
        arguments(
            UnguardedRelease.class,
            List.of(
                "releaseByAStrangerIsLostAndChangesNothing",
                "releaseAfterATakeOverIsLost",
                "pausedOwnerTouchesNothingOfItsSuccessors",
                "storeAnswersAsItsModelDoes")),
        arguments(
            UnguardedRenewal.class,
            List.of(
                "renewalByAStrangerIsLostAndChangesNothing",
                "renewalAfterATakeOverIsLost",
                "pausedOwnerTouchesNothingOfItsSuccessors",
                "storeAnswersAsItsModelDoes")),
        arguments(HalfTheToken.class, List.of("everyBitOfATokenCounts")),
        arguments(
            HostNameAsOwner.class,
            List.of(
                "liveLeaseIsRunningToEverybodyElse",
                "oneOfManyConcurrentClaimsIsAcquired",
                "waiterThatGivesUpLeavesTheOwnerAlone")),
        arguments(
            ClientsOwnClock.class,
            List.of("liveLeaseIsRunningToEverybodyElse", "storeAnswersAsItsModelDoes")),
        arguments(WallClock.class, List.of("storeNeverAsksTheClockOfItsNode")),
        arguments(LocalTime.class, List.of("timeZoneOfANodeChangesNothing")),
        arguments(
            UnconditionalExpiry.class,
            List.of(
                "oneOfTwoConcurrentClaimsOfAnExpiredKeyIsAcquired",
                "winnerOfAnExpiredKeyKeepsItWhileOthersLook")),
        arguments(ExpiringRuns.class, List.of("keyWithoutAnOutcomeNeverExpires")),
        arguments(
            RetentionFromTheClaim.class,
            List.of("retentionCountsFromTheCompletion", "completionDecidesHowLongAnOutcomeIsKept")),
        arguments(
            RepeatedCompletion.class,
            List.of(
                "repeatedCompletionIsHeldAndKeepsTheFirstOutcome",
                "completionDecidesHowLongAnOutcomeIsKept")),
        arguments(
            LookAlikeKeys.class,
            List.of("labelsOfAnyKindNeitherFailNorMerge", "keysThatLookAlikeAreDifferentKeys")),
        arguments(JoinedKeys.class, List.of("partsThatJoinAlikeAreDifferentKeys")),
        arguments(
            LostFingerprint.class,
            List.of(
                "everyAnswerCarriesTheStoredFingerprint",
                "sameKeyWithAnotherRequestIsMisuseOnEveryNode")),
        arguments(
            UnaskedTakeOver.class,
            List.of("leaseThatRanOutIsAbandoned", "differentRequestNeverTakesOver")),
        arguments(
            LateWrites.class,
            List.of("outcomeIsThereForOtherNodesAtOnce", "storeAnswersAsItsModelDoes")),
        arguments(
            LockOnly.class,
            List.of(
                "outcomeOfEveryKindIsReplayed",
                "storeFailureAfterSuccessKeepsTheKeyAndTheResult")));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenStoreIsRejected(Class<?> contract, List<String> cases) {
    Cases.assertFailing(contract, cases);
  }

  /** Run by the cases above only: a build would find these broken, as it should. */
  @Tag("run-by-another-test")
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class OnMap extends IdempotencyStoreContract {

    private final LeasedFixture fixture;

    OnMap(Function<Map<RecordId, Entry>, MapStore> client) {
      this(client, client);
    }

    OnMap(
        Function<Map<RecordId, Entry>, MapStore> here,
        Function<Map<RecordId, Entry>, MapStore> there) {
      fixture = new MapFixture(here, there);
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  static class RightStore extends OnMap {
    RightStore() {
      super(MapStore::new);
    }
  }

  // ---- whose key it is

  static class CheckThenInsert extends OnMap {
    CheckThenInsert() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public Claim claim(ClaimRequest request) {
                  Entry found = entries.get(request.id());
                  Entry next = next(found, request);
                  if (!next.equals(found)) {
                    // The window that every check before an act has, as wide as a round trip.
                    LockSupport.parkNanos(5_000_000);
                    entries.put(request.id(), next);
                  }
                  return answer(next, request, !next.equals(found));
                }
              });
    }
  }

  static class UnguardedCompletion extends OnMap {
    UnguardedCompletion() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
                  entries.computeIfPresent(
                      lease.id(), (id, found) -> found.completed(outcome, after(retention)));
                  return LeaseCheck.HELD;
                }
              });
    }
  }

  static class UnguardedRelease extends OnMap {
    UnguardedRelease() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public LeaseCheck release(Lease lease) {
                  return check(entries.remove(lease.id()) != null);
                }
              });
    }
  }

  static class UnguardedRenewal extends OnMap {
    UnguardedRenewal() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public LeaseCheck renew(Lease lease, Duration leaseFor) {
                  return check(
                      entries.computeIfPresent(
                              lease.id(), (id, found) -> found.until(after(leaseFor)))
                          != null);
                }
              });
    }
  }

  /** Tells owners apart by something else than the token of their claim. */
  private static class RenamingStore extends MapStore {

    private final Function<OwnerToken, OwnerToken> owner;

    RenamingStore(Map<RecordId, Entry> records, Function<OwnerToken, OwnerToken> owner) {
      super(records);
      this.owner = owner;
    }

    @Override
    public Claim claim(ClaimRequest request) {
      Claim claim = super.claim(Requests.with(request, owner.apply(request.token())));
      return claim instanceof Claim.Acquired acquired
          ? new Claim.Acquired(new Lease(request.id(), request.token(), acquired.lease().attempt()))
          : claim;
    }

    private Lease renamed(Lease lease) {
      return new Lease(lease.id(), owner.apply(lease.token()), lease.attempt());
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return super.complete(renamed(lease), outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return super.release(renamed(lease));
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return super.renew(renamed(lease), leaseFor);
    }
  }

  static class HalfTheToken extends OnMap {
    HalfTheToken() {
      super(records -> new RenamingStore(records, token -> new OwnerToken(token.high(), 0)));
    }
  }

  static class HostNameAsOwner extends OnMap {
    HostNameAsOwner() {
      super(records -> new RenamingStore(records, token -> new OwnerToken(1, 1)));
    }
  }

  static class UnaskedTakeOver extends OnMap {
    UnaskedTakeOver() {
      super(
          records ->
              new MapStore(records) {
                @Override
                Entry next(Entry found, ClaimRequest request) {
                  boolean over = found != null && found.leaseUntil() <= now();
                  return over && found.outcome() == null
                      ? fresh(request, found.attempt() + 1)
                      : super.next(found, request);
                }
              });
    }
  }

  // ---- time

  static class ClientsOwnClock extends OnMap {
    ClientsOwnClock() {
      super(
          MapStore::new,
          records ->
              new MapStore(records) {
                @Override
                long now() {
                  return super.now() + Duration.ofHours(5).toMillis();
                }
              });
    }
  }

  static class WallClock extends OnMap {
    WallClock() {
      super(
          records ->
              new MapStore(records) {
                @Override
                long now() {
                  return System.currentTimeMillis();
                }
              });
    }
  }

  /** Times without a zone, as a column of the wrong type has them. */
  static class LocalTime extends OnMap {
    LocalTime() {
      super(
          records ->
              new MapStore(records) {
                private final long epoch = System.currentTimeMillis() - super.now();

                @Override
                long now() {
                  long now = super.now();
                  return now + TimeZone.getDefault().getOffset(now + epoch);
                }
              });
    }
  }

  static class UnconditionalExpiry extends OnMap {
    UnconditionalExpiry() {
      super(
          records ->
              new MapStore(records) {
                private final AtomicInteger calls = new AtomicInteger();

                @Override
                public Claim claim(ClaimRequest request) {
                  Entry found = entries.get(request.id());
                  if (found != null && found.expired(now())) {
                    // One round trip is faster than the other.
                    LockSupport.parkNanos(calls.getAndIncrement() % 2 == 0 ? 9_000_000 : 1_000_000);
                    // Removes whatever is there by now.
                    entries.remove(request.id());
                  }
                  return super.claim(request);
                }
              });
    }
  }

  /** A time to live on the key, whatever it holds. */
  static class ExpiringRuns extends OnMap {
    ExpiringRuns() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public Claim claim(ClaimRequest request) {
                  entries.computeIfPresent(
                      request.id(),
                      (id, found) ->
                          found.outcome() == null
                                  && found.leaseUntil() + Requests.RETENTION.toMillis() < now()
                              ? null
                              : found);
                  return super.claim(request);
                }
              });
    }
  }

  static class RetentionFromTheClaim extends OnMap {
    RetentionFromTheClaim() {
      super(
          records ->
              new MapStore(records) {
                private final Map<OwnerToken, Duration> retentions = new ConcurrentHashMap<>();

                @Override
                public Claim claim(ClaimRequest request) {
                  retentions.put(request.token(), request.retention());
                  return super.claim(request);
                }

                @Override
                public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
                  Entry found = entries.get(lease.id());
                  if (found == null || !found.token().equals(lease.token())) {
                    return LeaseCheck.LOST;
                  }
                  long claimed = found.leaseUntil() - Requests.LEASE.toMillis();
                  long kept = retentions.getOrDefault(lease.token(), retention).toMillis();
                  entries.replace(lease.id(), found, found.completed(outcome, claimed + kept));
                  return LeaseCheck.HELD;
                }
              });
    }
  }

  static class RepeatedCompletion extends OnMap {
    RepeatedCompletion() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
                  Entry written =
                      entries.computeIfPresent(
                          lease.id(),
                          (id, found) ->
                              found.token().equals(lease.token())
                                  ? found.completed(outcome, after(retention))
                                  : found);
                  return check(written != null && written.token().equals(lease.token()));
                }
              });
    }
  }

  // ---- which key it is

  /** Finds records by something else than their ids. */
  private static class RelabellingStore extends MapStore {

    /** Shared by the clients, as a table would be. */
    private static final class Ids extends ConcurrentHashMap<String, RecordId> {
      private static final long serialVersionUID = 1;
    }

    private final Function<RecordLabel, String> key;
    private final Map<String, RecordId> ids;
    private final Map<RecordId, RecordId> found = new ConcurrentHashMap<>();

    RelabellingStore(
        Map<RecordId, Entry> records,
        Map<String, RecordId> ids,
        Function<RecordLabel, String> key) {
      super(records);
      this.ids = ids;
      this.key = key;
    }

    static Function<Map<RecordId, Entry>, MapStore> by(Function<RecordLabel, String> key) {
      Ids ids = new Ids();
      return records -> new RelabellingStore(records, ids, key);
    }

    @Override
    public Claim claim(ClaimRequest request) {
      RecordId id = ids.computeIfAbsent(key.apply(request.label()), any -> request.id());
      found.put(request.id(), id);
      ClaimRequest merged =
          new ClaimRequest(
              id,
              request.label(),
              request.fingerprint(),
              request.token(),
              request.leaseFor(),
              request.retention(),
              request.takeOver());
      return super.claim(merged);
    }
  }

  static class LookAlikeKeys extends OnMap {
    LookAlikeKeys() {
      super(
          RelabellingStore.by(
              label ->
                  Normalizer.normalize(label.source() + "\n" + label.key(), Normalizer.Form.NFD)
                      .replaceAll("\\p{M}", "")
                      .toLowerCase(Locale.ROOT)));
    }
  }

  static class JoinedKeys extends OnMap {
    JoinedKeys() {
      super(
          RelabellingStore.by(
              label ->
                  String.join(
                      ":", label.namespace(), label.operation(), label.source(), label.key())));
    }
  }

  // ---- what is remembered

  static class LostFingerprint extends OnMap {
    LostFingerprint() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public Claim claim(ClaimRequest request) {
                  return super.claim(Requests.with(request, Fingerprint.NONE));
                }
              });
    }
  }

  /** Answers before it has written: who looks next does not see yet what it says is durable. */
  static class LateWrites extends OnMap {
    LateWrites() {
      super(clientsOfOneTable());
    }

    private static Function<Map<RecordId, Entry>, MapStore> clientsOfOneTable() {
      Map<RecordId, Entry> unwritten = new ConcurrentHashMap<>();
      return records ->
          new MapStore(records) {
            private void write() {
              unwritten.forEach(
                  (id, entry) -> {
                    if (unwritten.remove(id, entry)) {
                      entries.put(id, entry);
                    }
                  });
            }

            @Override
            public Claim claim(ClaimRequest request) {
              Claim answer = super.claim(request);
              write();
              return answer;
            }

            @Override
            public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
              write();
              Entry found = entries.get(lease.id());
              if (found == null || !found.token().equals(lease.token())) {
                return LeaseCheck.LOST;
              }
              if (found.outcome() == null) {
                unwritten.put(lease.id(), found.completed(outcome, after(retention)));
              }
              return LeaseCheck.HELD;
            }
          };
    }
  }

  /** Unlocks on return, remembering nothing. */
  static class LockOnly extends OnMap {
    LockOnly() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
                  return release(lease);
                }
              });
    }
  }
}
