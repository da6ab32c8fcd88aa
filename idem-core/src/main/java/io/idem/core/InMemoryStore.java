package io.idem.core;

import io.idem.core.internal.Durations;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Batch;
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
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A store in the memory of this process: for tests, and for applications of one node whose keys
 * need not outlive it.
 *
 * <p>Its clock is the process's monotonic clock. It never evicts a record that still counts: when
 * it is full of those, it refuses new keys. Thread-safe.
 */
public final class InMemoryStore
    implements IdempotencyStore, AsyncStore, BatchClaims, ExpiredEntries, CompletionSignal {

  private static final int DEFAULT_MOST_RECORDS = 1_000_000;

  /** The least that one look for room tries to free. */
  private static final int ROOM = 16;

  private static final long LOOK_FOR_ROOM_NANOS = 100_000_000;

  private final ConcurrentHashMap<RecordId, Entry> entries = new ConcurrentHashMap<>();
  private final KeyWatchers watchers = new KeyWatchers();
  private final int mostRecords;
  private final LongSupplier nanoClock;
  private final ReentrantLock sweeping = new ReentrantLock();

  /** Where the last sweep stopped; guarded by the lock. */
  private Iterator<Map.Entry<RecordId, Entry>> sweep = Collections.emptyIterator();

  /** When everything was looked at and nothing had expired; guarded by the lock. */
  private long lastVainLook;

  /** Creates a store for at most a million records. */
  public InMemoryStore() {
    this(DEFAULT_MOST_RECORDS);
  }

  /**
   * Creates a store.
   *
   * @param mostRecords how many records it holds at most, give or take the claims under way at the
   *     moment; at least 1
   */
  public InMemoryStore(int mostRecords) {
    this(mostRecords, System::nanoTime);
  }

  /**
   * Creates a store with a clock of its own, so that a test can let time pass.
   *
   * @param mostRecords how many records it holds at most; at least 1
   * @param nanoClock a monotonic clock in nanoseconds
   */
  public InMemoryStore(int mostRecords, LongSupplier nanoClock) {
    if (mostRecords < 1) {
      throw new IllegalArgumentException("A store holds at least 1 record, found " + mostRecords);
    }
    this.mostRecords = mostRecords;
    this.nanoClock = nanoClock;
    this.lastVainLook = nanoClock.getAsLong() - LOOK_FOR_ROOM_NANOS;
  }

  @Override
  public Claim claim(ClaimRequest request) {
    Entry seen = entries.get(request.id());
    if (seen != null && seen.outcome != null && !seen.isExpired(nanoClock.getAsLong())) {
      return new Claim.Completed(seen.fingerprint, seen.outcome); // the common case takes no lock
    }
    if (seen == null) {
      if (entries.mappingCount() >= mostRecords) {
        makeRoom();
      }
      Entry first = running(request, 1, request.fingerprint());
      if (entries.putIfAbsent(request.id(), first) == null) {
        return new Claim.Acquired(new Lease(request.id(), request.token(), 1));
      }
    }
    ClaimAnswer answer = new ClaimAnswer();
    entries.compute(request.id(), (id, entry) -> answer.decide(entry, request));
    return answer.claim();
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    LeaseCheck check = LeaseCheck.LOST;
    Entry entry = entries.get(lease.id());
    while (check == LeaseCheck.LOST && entry != null && entry.token.equals(lease.token())) {
      if (entry.outcome != null
          || entries.replace(lease.id(), entry, entry.completed(outcome, after(retention)))) {
        check = LeaseCheck.HELD;
      } else {
        entry = entries.get(lease.id()); // renewed, or taken over, at this moment
      }
    }
    watchers.wake(lease.id());
    return check;
  }

  @Override
  public LeaseCheck release(Lease lease) {
    LeaseCheck[] check = {LeaseCheck.LOST};
    entries.computeIfPresent(
        lease.id(),
        (id, entry) -> {
          if (!entry.isRunBy(lease)) {
            return entry;
          }
          check[0] = LeaseCheck.HELD;
          return null;
        });
    watchers.wake(lease.id());
    return check[0];
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    LeaseCheck[] check = {LeaseCheck.LOST};
    entries.computeIfPresent(
        lease.id(),
        (id, entry) -> {
          if (!entry.isRunBy(lease)) {
            return entry;
          }
          check[0] = LeaseCheck.HELD;
          return entry.until(after(leaseFor));
        });
    if (leaseFor.isZero()) {
      watchers.wake(lease.id());
    }
    return check[0];
  }

  @Override
  public CompletionStage<Claim> claimAsync(ClaimRequest request) {
    return CompletableFuture.completedFuture(claim(request));
  }

  @Override
  public CompletionStage<LeaseCheck> completeAsync(
      Lease lease, StoredOutcome outcome, Duration retention) {
    return CompletableFuture.completedFuture(complete(lease, outcome, retention));
  }

  @Override
  public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
    return CompletableFuture.completedFuture(release(lease));
  }

  @Override
  public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
    return CompletableFuture.completedFuture(renew(lease, leaseFor));
  }

  @Override
  public Watch watch(RecordId id, Runnable wake) {
    Watch watch = watchers.add(id, wake);
    wake.run(); // it listens
    return watch;
  }

  @Override
  public List<Claim> claimAll(List<ClaimRequest> requests) {
    Batch.requireBounded(requests.size());
    return requests.stream().map(this::claim).toList();
  }

  @Override
  public List<LeaseCheck> completeAll(List<Completion> completions) {
    Batch.requireBounded(completions.size());
    return completions.stream()
        .map(each -> complete(each.lease(), each.outcome(), each.retention()))
        .toList();
  }

  /**
   * {@inheritDoc}
   *
   * <p>In no particular order: each of them frees as much room.
   */
  @Override
  public int purgeExpired(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("A purge deletes at least 1 record, found " + limit);
    }
    sweeping.lock();
    try {
      int purged = sweep(limit);
      if (purged < limit) {
        sweep = entries.entrySet().iterator();
        purged += sweep(limit - purged);
      }
      return purged;
    } finally {
      sweeping.unlock();
    }
  }

  /** Goes on where the last sweep stopped: small batches would else look at the same again. */
  private int sweep(int limit) {
    long now = nanoClock.getAsLong();
    int purged = 0;
    while (purged < limit && sweep.hasNext()) {
      Map.Entry<RecordId, Entry> next = sweep.next();
      if (next.getValue().isExpired(now) && entries.remove(next.getKey(), next.getValue())) {
        purged++;
      }
    }
    if (!sweep.hasNext()) {
      sweep = Collections.emptyIterator(); // a spent one would keep an outgrown table alive
    }
    return purged;
  }

  /**
   * {@inheritDoc}
   *
   * <p>Looks at every record.
   */
  @Override
  public Optional<Duration> purgeLag() {
    long now = nanoClock.getAsLong();
    long lag = 0;
    for (Entry entry : entries.values()) {
      if (entry.isExpired(now)) {
        lag = Math.max(lag, now - entry.expiresAt);
      }
    }
    return Optional.of(Duration.ofNanos(lag));
  }

  /**
   * How many records the store holds, expired ones included.
   *
   * @return an estimate while others write
   */
  public long size() {
    return entries.mappingCount();
  }

  private Entry running(ClaimRequest request, int attempt, Fingerprint fingerprint) {
    return new Entry(request.token(), attempt, fingerprint, after(request.leaseFor()), 0, null);
  }

  private long after(Duration duration) {
    return nanoClock.getAsLong() + Durations.nanos(duration);
  }

  private void makeRoom() {
    sweeping.lock();
    try {
      if (entries.mappingCount() < mostRecords) {
        return; // another caller made room
      }
      // A full look at a store full of live records takes long: at most ten a second.
      long now = nanoClock.getAsLong();
      boolean mayLook = now - lastVainLook >= LOOK_FOR_ROOM_NANOS;
      if (mayLook && purgeExpired(Math.max(ROOM, mostRecords / 100)) > 0) {
        return;
      }
      if (mayLook) {
        lastVainLook = now;
      }
    } finally {
      sweeping.unlock();
    }
    throw new StoreUnavailableException(
        "The in-memory store is full: "
            + mostRecords
            + " records that have not expired. Give it more room, shorten the retention, or use a"
            + " store outside this process",
        null);
  }

  /** The answer of one claim, decided while the map holds the record's lock. */
  private final class ClaimAnswer {

    private @Nullable Claim claim;

    Claim claim() {
      if (claim == null) {
        throw new IllegalStateException("A claim is always decided");
      }
      return claim;
    }

    Entry decide(@Nullable Entry entry, ClaimRequest request) {
      long now = nanoClock.getAsLong();
      if (entry == null || entry.isExpired(now)) {
        return acquire(request, 1, request.fingerprint());
      }
      if (entry.outcome != null) {
        claim = new Claim.Completed(entry.fingerprint, entry.outcome);
        return entry;
      }
      if (entry.token.equals(request.token())) {
        return acquire(request, entry.attempt, entry.fingerprint);
      }
      if (entry.leaseUntil - now > 0) {
        claim = new Claim.Running(entry.fingerprint, Duration.ofNanos(entry.leaseUntil - now));
        return entry;
      }
      if (request.takeOver() && entry.fingerprint.matches(request.fingerprint())) {
        // Who has nothing to compare takes over for the record's own request.
        boolean nothingToCompare = request.fingerprint().equals(Fingerprint.NONE);
        return acquire(
            request,
            entry.attempt + 1,
            nothingToCompare ? entry.fingerprint : request.fingerprint());
      }
      claim = new Claim.Abandoned(entry.fingerprint, entry.attempt);
      return entry;
    }

    private Entry acquire(ClaimRequest request, int attempt, Fingerprint fingerprint) {
      claim = new Claim.Acquired(new Lease(request.id(), request.token(), attempt));
      return running(request, attempt, fingerprint);
    }
  }

  /** One record. {@code expiresAt} counts only with an outcome. */
  private record Entry(
      OwnerToken token,
      int attempt,
      Fingerprint fingerprint,
      long leaseUntil,
      long expiresAt,
      @Nullable StoredOutcome outcome) {

    boolean isExpired(long now) {
      return outcome != null && expiresAt - now <= 0;
    }

    boolean isRunBy(Lease lease) {
      return outcome == null && token.equals(lease.token());
    }

    Entry completed(StoredOutcome finished, long until) {
      return new Entry(token, attempt, fingerprint, leaseUntil, until, finished);
    }

    Entry until(long newLeaseUntil) {
      return new Entry(token, attempt, fingerprint, newLeaseUntil, expiresAt, outcome);
    }
  }
}
