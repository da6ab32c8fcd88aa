package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.testkit.MapStore.Entry;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contracts of batches and purges accept right ones, and name what is wrong with others. */
class BrokenBatchesTest {

  @Test
  void rightOnesAreAccepted() {
    assertThat(Cases.failing(RightBatches.class)).isEmpty();
    assertThat(Cases.failing(RightPurge.class)).isEmpty();
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments(
            AllAcquired.class,
            List.of(
                "whatIsInTheWayOfOneKeyLeavesTheOthersAlone",
                "overlappingBatchesGiveEachKeyOneOwner",
                "batchAnswersAsItsClaimsOneByOne",
                "storeAnswersAsItsModelDoes")),
        arguments(InOrderOfIds.class, List.of("everyNewKeyIsAcquiredInTheCallersOrder")),
        arguments(
            AllOrNothing.class,
            List.of("keyThatAppearsTwiceIsRunningTheSecondTime", "storeAnswersAsItsModelDoes")),
        arguments(
            AllCompleted.class,
            List.of("eachCompletionIsConditionalOnItsOwnLease", "storeAnswersAsItsModelDoes")),
        arguments(
            RepeatsAcquired.class,
            List.of("keyThatAppearsTwiceIsRunningTheSecondTime", "storeAnswersAsItsModelDoes")),
        arguments(
            PurgedRuns.class,
            List.of("onlyExpiredOutcomesArePurged", "storeAnswersAsItsModelDoes")),
        arguments(
            PurgedTooEarly.class,
            List.of("onlyExpiredOutcomesArePurged", "storeAnswersAsItsModelDoes")),
        arguments(PurgedSuccessors.class, List.of("successorOfAnExpiredOutcomeIsNeverPurged")),
        arguments(PurgedAtOnce.class, List.of("purgeIsBounded")),
        arguments(PurgedYoungestFirst.class, List.of("oldestArePurgedFirst")),
        arguments(PurgeStuck.class, List.of("stuckRecordsDoNotStandInTheWay")));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenOneIsRejected(Class<?> contract, List<String> cases) {
    Cases.assertFailing(contract, cases);
  }

  /** Run by the cases above only. */
  @Tag("run-by-another-test")
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class Batches extends BatchClaimsContract {

    private final LeasedFixture fixture;

    Batches(Function<Map<RecordId, Entry>, MapStore> client) {
      fixture = new MapFixture(client);
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  /** Run by the cases above only. */
  @Tag("run-by-another-test")
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class Purges extends ExpiredEntriesContract {

    private final LeasedFixture fixture;

    Purges(Function<Map<RecordId, Entry>, MapStore> client) {
      fixture = new MapFixture(client);
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  static class RightBatches extends Batches {
    RightBatches() {
      super(MapStore::new);
    }
  }

  static class RightPurge extends Purges {
    RightPurge() {
      super(MapStore::new);
    }
  }

  // ---- batches

  private static Claim takenAtOnce(ClaimRequest request) {
    return new Claim.Acquired(new Lease(request.id(), request.token(), 1));
  }

  static class AllAcquired extends Batches {
    AllAcquired() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public List<Claim> claimAll(List<ClaimRequest> requests) {
                  super.claimAll(requests);
                  return requests.stream().map(BrokenBatchesTest::takenAtOnce).toList();
                }
              });
    }
  }

  static class InOrderOfIds extends Batches {
    InOrderOfIds() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public List<Claim> claimAll(List<ClaimRequest> requests) {
                  return super.claimAll(
                      requests.stream().sorted(Comparator.comparing(ClaimRequest::id)).toList());
                }
              });
    }
  }

  static class AllOrNothing extends Batches {
    AllOrNothing() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public List<Claim> claimAll(List<ClaimRequest> requests) {
                  List<Claim> claims = super.claimAll(requests);
                  if (!claims.stream().allMatch(Claim.Acquired.class::isInstance)) {
                    for (Claim claim : claims) {
                      if (claim instanceof Claim.Acquired taken) {
                        release(taken.lease());
                      }
                    }
                  }
                  return claims;
                }
              });
    }
  }

  static class AllCompleted extends Batches {
    AllCompleted() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public List<LeaseCheck> completeAll(List<Completion> completions) {
                  return super.completeAll(completions).stream()
                      .map(lost -> LeaseCheck.HELD)
                      .toList();
                }
              });
    }
  }

  static class RepeatsAcquired extends Batches {
    RepeatsAcquired() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public List<Claim> claimAll(List<ClaimRequest> requests) {
                  List<Claim> claims = super.claimAll(requests);
                  return requests.stream()
                      .map(
                          each ->
                              claims.contains(takenAtOnce(first(requests, each.id())))
                                  ? takenAtOnce(each)
                                  : claims.get(requests.indexOf(each)))
                      .toList();
                }
              });
    }

    private static ClaimRequest first(List<ClaimRequest> requests, RecordId id) {
      return requests.stream().filter(each -> each.id().equals(id)).findFirst().orElseThrow();
    }
  }

  // ---- purges

  static class PurgedRuns extends Purges {
    PurgedRuns() {
      super(
          records ->
              new MapStore(records) {
                @Override
                Stream<Map.Entry<RecordId, Entry>> purgeable() {
                  return Map.copyOf(entries).entrySet().stream()
                      .filter(
                          each ->
                              each.getValue().expired(now())
                                  || each.getValue().leaseUntil() < now())
                      .sorted(Comparator.comparing(each -> each.getValue().expiresAt()));
                }
              });
    }
  }

  static class PurgedTooEarly extends Purges {
    PurgedTooEarly() {
      super(
          records ->
              new MapStore(records) {
                @Override
                Stream<Map.Entry<RecordId, Entry>> purgeable() {
                  return Map.copyOf(entries).entrySet().stream()
                      .filter(each -> each.getValue().outcome() != null)
                      .sorted(Comparator.comparing(each -> each.getValue().expiresAt()));
                }
              });
    }
  }

  static class PurgedSuccessors extends Purges {
    PurgedSuccessors() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public int purgeExpired(int limit) {
                  if (limit < 1) {
                    return super.purgeExpired(limit);
                  }
                  List<RecordId> old = purgeable().map(Map.Entry::getKey).limit(limit).toList();
                  if (!old.isEmpty()) {
                    // Between looking and deleting there is a round trip.
                    LockSupport.parkNanos(2_000_000);
                  }
                  return (int) old.stream().filter(id -> entries.remove(id) != null).count();
                }
              });
    }
  }

  static class PurgedAtOnce extends Purges {
    PurgedAtOnce() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public int purgeExpired(int limit) {
                  return super.purgeExpired(limit * 1000);
                }
              });
    }
  }

  static class PurgedYoungestFirst extends Purges {
    PurgedYoungestFirst() {
      super(
          records ->
              new MapStore(records) {
                @Override
                Stream<Map.Entry<RecordId, Entry>> purgeable() {
                  Comparator<Map.Entry<RecordId, Entry>> oldest =
                      Comparator.comparing(each -> each.getValue().expiresAt());
                  return super.purgeable().sorted(oldest.reversed());
                }
              });
    }
  }

  /** Limits what it looks at, not what it deletes. */
  static class PurgeStuck extends Purges {
    PurgeStuck() {
      super(
          records ->
              new MapStore(records) {
                @Override
                public int purgeExpired(int limit) {
                  if (limit < 1) {
                    return super.purgeExpired(limit);
                  }
                  return (int)
                      Map.copyOf(entries).entrySet().stream()
                          .sorted(Comparator.comparing(each -> each.getValue().leaseUntil()))
                          .limit(limit)
                          .filter(each -> each.getValue().expired(now()))
                          .filter(each -> entries.remove(each.getKey(), each.getValue()))
                          .count();
                }
              });
    }
  }
}
