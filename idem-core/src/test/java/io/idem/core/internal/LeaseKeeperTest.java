package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.InMemoryStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LeaseKeeperTest {

  @Test
  void anErrorInOneHeartbeatDoesNotEndThemAll() throws InterruptedException {
    Duration leaseFor = Duration.ofMillis(150);
    InMemoryStore store = new InMemoryStore();
    Claim claim =
        store.claim(
            new ClaimRequest(
                new RecordId(1, 1),
                new RecordLabel("", "op", "", "k"),
                Fingerprint.NONE,
                new OwnerToken(1, 1),
                leaseFor,
                leaseFor,
                false));
    CountDownLatch renewals = new CountDownLatch(3);
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try {
      LeaseKeeper keeper =
          new LeaseKeeper(
              store,
              new Events(List.of()),
              timer,
              renewal -> {
                renewals.countDown();
                if (renewals.getCount() == 2) {
                  throw new OutOfMemoryError("unable to create native thread");
                }
                renewal.run();
              });
      keeper.accommodate(leaseFor);
      HeldLease held =
          new HeldLease(
              ((Claim.Acquired) claim).lease(), "op", null, leaseFor, System.nanoTime(), 0);
      keeper.add(held);
      assertThat(renewals.await(20, TimeUnit.SECONDS)).as("renewals after the error").isTrue();
    } finally {
      timer.shutdownNow();
    }
  }

  @Test
  void aLeaseThatTheStoreSaysIsLostIsNotTakenForRenewed() {
    InMemoryStore store = new InMemoryStore();
    Duration leaseFor = Duration.ofHours(1);
    LeaseKeeper keeper =
        new LeaseKeeper(
            store,
            new Events(List.of()),
            Executors.newSingleThreadScheduledExecutor(),
            Runnable::run);
    long longAgo = System.nanoTime() - leaseFor.toNanos();
    HeldLease held =
        new HeldLease(
            new Lease(new RecordId(1, 1), new OwnerToken(1, 1), 1),
            "op",
            null,
            leaseFor,
            longAgo,
            longAgo);
    assertThat(keeper.confirm(held)).isEqualTo(LeaseCheck.LOST);
    assertThat(held.isFresh(System.nanoTime()))
        .as("another thread of the run would begin a step")
        .isFalse();
  }
}
