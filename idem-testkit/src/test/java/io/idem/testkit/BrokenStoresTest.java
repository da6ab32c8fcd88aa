package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** The contract accepts a right store and names what is wrong with others. */
class BrokenStoresTest {

  @Test
  void rightStoreIsAccepted() {
    assertThat(failures(RightStore.class)).isEmpty();
  }

  @Test
  void completionWithoutAnOwnerIsRejected() {
    assertThat(failures(UnguardedCompletion.class))
        .contains(
            "completionByAStrangerIsLostAndChangesNothing",
            "lateCompletionIsLostAfterATakeOver",
            "ownerOfAnExpiredOutcomeCannotTouchItsSuccessor");
  }

  @Test
  void checkBeforeInsertIsRejected() {
    assertThat(failures(CheckThenInsert.class)).contains("oneOfManyConcurrentClaimsIsAcquired");
  }

  @Test
  void unconditionalLazyExpiryIsRejected() {
    assertThat(failures(UnconditionalExpiry.class))
        .contains("oneOfTwoConcurrentClaimsOfAnExpiredKeyIsAcquired");
  }

  /** The cases that fail; everything else ran and passed. */
  private static Set<String> failures(Class<?> contract) {
    var cases = EngineTestKit.engine("junit-jupiter").selectors(selectClass(contract)).execute();
    cases.testEvents().assertStatistics(events -> events.skipped(0).aborted(0));
    assertThat(cases.testEvents().started().count()).isGreaterThan(30);
    return cases.testEvents().failed().stream()
        .map(Event::getTestDescriptor)
        .map(test -> test.getDisplayName().replace("()", ""))
        .collect(Collectors.toSet());
  }

  /** Run by the cases above only: a build would find these broken, as it should. */
  @Tag("run-by-another-test")
  abstract static class MapStoreContract extends IdempotencyStoreContract {

    private final MapStore store;

    MapStoreContract(MapStore store) {
      this.store = store;
    }

    @Override
    protected IdempotencyStore store() {
      return store;
    }

    @Override
    protected IdempotencyStore otherStore() {
      return store;
    }

    @Override
    protected void age(RecordId id, Duration by) {
      store.age(id, by);
    }
  }

  static class RightStore extends MapStoreContract {
    RightStore() {
      super(new MapStore());
    }
  }

  static class UnguardedCompletion extends MapStoreContract {
    UnguardedCompletion() {
      super(
          new MapStore() {
            @Override
            public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
              entries.computeIfPresent(
                  lease.id(), (id, found) -> found.completed(outcome, after(retention)));
              return LeaseCheck.HELD;
            }
          });
    }
  }

  static class CheckThenInsert extends MapStoreContract {
    CheckThenInsert() {
      super(
          new MapStore() {
            @Override
            public Claim claim(ClaimRequest request) {
              Entry found = entries.get(request.id());
              Entry next = next(found, request);
              if (!next.equals(found)) {
                // The window that every check before an act has, as wide as a slow round trip.
                LockSupport.parkNanos(20_000_000);
                entries.put(request.id(), next);
              }
              return answer(next, request, !next.equals(found));
            }
          });
    }
  }

  static class UnconditionalExpiry extends MapStoreContract {
    UnconditionalExpiry() {
      super(
          new MapStore() {
            private final AtomicInteger calls = new AtomicInteger();

            @Override
            public Claim claim(ClaimRequest request) {
              Entry found = entries.get(request.id());
              if (found != null && found.expired()) {
                // One round trip is faster than the other.
                LockSupport.parkNanos(calls.getAndIncrement() % 2 == 0 ? 20_000_000 : 1_000_000);
                // Removes whatever is there by now.
                entries.remove(request.id());
              }
              return super.claim(request);
            }
          });
    }
  }
}
