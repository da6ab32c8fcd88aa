package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Lease;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HeldLeasesTest {

  private final HeldLeases leases = new HeldLeases();
  private final AtomicLong tokens = new AtomicLong();

  @Test
  void aLeaseIsThereFromAddingToRemoving() {
    HeldLease lease = lease();
    assertThat(leases.contains(lease)).isFalse();

    leases.add(lease);
    assertThat(leases.contains(lease)).isTrue();
    assertThat(all()).containsExactly(lease);

    leases.remove(lease);
    assertThat(leases.contains(lease)).isFalse();
    assertThat(all()).isEmpty();
  }

  /** As when a failed write is given up that the run had ended before. */
  @Test
  void removingAgainSparesWhoeverHasTheSlotNow() {
    HeldLease first = lease();
    HeldLease second = lease();
    leases.add(first);
    leases.remove(first);
    leases.add(second);

    leases.remove(first);
    leases.remove(lease());

    assertThat(second.slot).isEqualTo(first.slot);
    assertThat(leases.contains(first)).isFalse();
    assertThat(leases.contains(second)).isTrue();
  }

  /** A batch has more of them than a thread has slots. */
  @Test
  void thereIsRoomForAllOfABatch() {
    List<HeldLease> batch = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      batch.add(lease());
      leases.add(batch.get(i));
    }
    assertThat(batch).allMatch(leases::contains).anyMatch(each -> each.slot == HeldLease.NO_SLOT);
    assertThat(all()).containsExactlyInAnyOrderElementsOf(batch);

    batch.forEach(leases::remove);
    assertThat(batch).noneMatch(leases::contains);
    assertThat(all()).isEmpty();
  }

  @Test
  void manyThreadsKeepTheirsApart() throws Exception {
    int threads = 200; // more than there are places for threads
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      CountDownLatch begin = new CountDownLatch(1);
      List<Future<HeldLease>> kept = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        kept.add(
            pool.submit(
                () -> {
                  begin.await();
                  HeldLease mine = lease();
                  leases.add(mine);
                  for (int i = 0; i < 200; i++) {
                    HeldLease other = lease();
                    leases.add(other);
                    assertThat(leases.contains(other)).isTrue();
                    leases.remove(other);
                    assertThat(leases.contains(other)).isFalse();
                  }
                  return mine;
                }));
      }
      begin.countDown();
      List<HeldLease> expected = new ArrayList<>();
      for (Future<HeldLease> each : kept) {
        expected.add(each.get());
      }
      assertThat(expected).allMatch(leases::contains);
      assertThat(all()).containsExactlyInAnyOrderElementsOf(expected);
    } finally {
      pool.shutdownNow();
    }
  }

  private List<HeldLease> all() {
    List<HeldLease> all = new ArrayList<>();
    leases.forEach(all::add);
    return all;
  }

  private HeldLease lease() {
    long token = tokens.incrementAndGet();
    return new HeldLease(
        new Lease(new RecordId(0, token), new OwnerToken(0, token), 1),
        "operation",
        null,
        Duration.ofSeconds(30),
        0,
        0);
  }
}
