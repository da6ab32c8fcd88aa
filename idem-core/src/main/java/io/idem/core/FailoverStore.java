package io.idem.core;

import io.idem.core.internal.FailoverGrants;
import io.idem.core.internal.FailoverGrants.Grant;
import io.idem.core.internal.FailoverGrants.Hold;
import io.idem.core.internal.OwedWrites;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Two stores as one, that goes on working while the primary store is down, with one owner for each
 * key before, during and after the outage.
 *
 * <ol>
 *   <li>A claim asks the fallback, then the primary. What the fallback knows already is the answer.
 *       A key that it grants is granted only if the primary grants it too, or cannot be asked.
 *   <li>What one store granted and the other did not is given back before the answer.
 *   <li>An outcome that only the primary knows is copied to the fallback when it is met.
 *   <li>A key the fallback calls abandoned is looked up in the primary before anybody takes it
 *       over.
 *   <li>Later writes go to the stores that granted the lease, the primary first; only those decide
 *       whether it is still held. A store that may hold the token, because its answer to the claim
 *       was lost, is written to without a say.
 *   <li>A write that one store could not take, and the other did, is owed: {@link #purgeExpired}
 *       settles it.
 * </ol>
 *
 * <p>Nodes need not agree on which store is down, because every claim passes through the fallback;
 * see {@link FallbackPolicy} for what happens when that one is down. All nodes need the same two
 * stores in the same roles. A claim costs a call to each store, a replay one call to the fallback,
 * so a fast fallback is a good one. Put a circuit breaker around each store: an outage then costs
 * no timeouts. Thread-safe if the stores are.
 */
public final class FailoverStore implements IdempotencyStore, ExpiredEntries {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final Side primary;
  private final Side fallback;
  private final FallbackPolicy policy;
  private final LongSupplier nanoClock;
  private final FailoverGrants grants;
  private final OwedWrites owed = new OwedWrites();
  private final LongAdder grantedByOne = new LongAdder();

  /**
   * Combines two stores; the fallback is {@link FallbackPolicy#REQUIRED}.
   *
   * @param primary the store that may be down
   * @param fallback the store that decides meanwhile
   */
  public FailoverStore(IdempotencyStore primary, IdempotencyStore fallback) {
    this(primary, fallback, FallbackPolicy.REQUIRED);
  }

  /**
   * Combines two stores.
   *
   * @param primary the store that may be down
   * @param fallback the store that decides meanwhile
   * @param policy what happens while the fallback is down
   * @throws IllegalArgumentException if both are the same
   */
  public FailoverStore(IdempotencyStore primary, IdempotencyStore fallback, FallbackPolicy policy) {
    this(primary, fallback, policy, System::nanoTime);
  }

  /** With a monotonic clock of its own, so that a test can let time pass. */
  FailoverStore(
      IdempotencyStore primary,
      IdempotencyStore fallback,
      FallbackPolicy policy,
      LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    if (primary == fallback) {
      throw new IllegalArgumentException("A store cannot be its own fallback");
    }
    this.primary = new Side("primary", primary);
    this.fallback = new Side("fallback", fallback);
    this.policy = policy;
    this.grants =
        new FailoverGrants(
            new Grant(Hold.YES, policy == FallbackPolicy.REQUIRED ? Hold.MAYBE : Hold.YES));
  }

  /**
   * How many keys were granted by one store alone, because the other could not be asked.
   *
   * @return the number since this object was made
   */
  public long grantedByOne() {
    return grantedByOne.sum();
  }

  /**
   * How many writes one store took and the other is still to take.
   *
   * @return the number at the moment
   */
  public int owed() {
    return owed.size();
  }

  @Override
  public Claim claim(ClaimRequest request) {
    // What is to be given back later must not be what is granted now.
    owed.cancel(fallback, request.token());
    owed.cancel(primary, request.token());
    Claim known;
    try {
      known = fallback.ask(store -> store.claim(request.withTakeOver(false)));
    } catch (RuntimeException e) {
      if (policy == FallbackPolicy.REQUIRED) {
        throw e;
      }
      return withoutFallback(request, e);
    }
    if (known instanceof Claim.Acquired acquired) {
      return confirm(request, acquired);
    } else if (known instanceof Claim.Abandoned abandoned) {
      return lookUpAbandoned(request, abandoned);
    }
    return known;
  }

  private Claim withoutFallback(ClaimRequest request, RuntimeException failure) {
    Claim claim;
    try {
      claim = primary.ask(store -> store.claim(request));
    } catch (RuntimeException e) {
      // Of two failures the one that leaves more open: what it asked may have taken effect.
      boolean open = holdAfter(failure) == Hold.MAYBE;
      RuntimeException worse = open ? failure : e;
      worse.addSuppressed(open ? e : failure);
      throw worse;
    }
    if (claim instanceof Claim.Acquired) {
      granted(request.token(), new Grant(holdAfter(failure), Hold.YES));
    } else {
      // The fallback was not asked to take over: what it may have granted is a new record.
      giveBackUnknown(fallback, request.withTakeOver(false), failure);
    }
    return claim;
  }

  /** The fallback knew nothing of the key: the primary may. */
  private Claim confirm(ClaimRequest request, Claim.Acquired acquired) {
    Claim claim;
    try {
      claim = primary.ask(store -> store.claim(request));
    } catch (RuntimeException e) {
      granted(request.token(), new Grant(Hold.YES, holdAfter(e)));
      return acquired;
    }
    if (claim instanceof Claim.Acquired second) {
      return grantedByBoth(acquired, second);
    }
    if (claim instanceof Claim.Completed completed
        && completed.fingerprint().equals(request.fingerprint())) {
      writeOrOwe(
          fallback,
          request.token(),
          store -> store.complete(acquired.lease(), completed.outcome(), request.retention()));
    } else {
      giveBack(fallback, acquired.lease());
    }
    return claim;
  }

  /** The last owner's lease ran out in the fallback; the primary may know more of it. */
  private Claim lookUpAbandoned(ClaimRequest request, Claim.Abandoned abandoned) {
    Claim.Acquired first = null;
    RuntimeException failure = null;
    try {
      Claim claim = primary.ask(store -> store.claim(request));
      if (!(claim instanceof Claim.Acquired acquired)) {
        return claim;
      }
      first = acquired;
    } catch (RuntimeException e) {
      failure = e;
    }
    Claim second = abandoned;
    if (request.takeOver()) {
      try {
        second = fallback.ask(store -> store.claim(request));
      } catch (RuntimeException e) {
        giveBack(request, first, failure);
        throw e;
      }
    }
    if (!(second instanceof Claim.Acquired acquired)) {
      giveBack(request, first, failure);
      return second;
    }
    if (first != null) {
      return grantedByBoth(acquired, first);
    }
    granted(request.token(), new Grant(Hold.YES, holdAfter(failure)));
    return acquired;
  }

  /** Gives back what the primary granted, or may have granted before it failed. */
  private void giveBack(
      ClaimRequest request, Claim.@Nullable Acquired first, @Nullable RuntimeException failure) {
    if (first != null) {
      giveBack(primary, first.lease());
    } else if (failure != null) {
      giveBackUnknown(primary, request, failure);
    }
  }

  private void granted(OwnerToken token, Grant grant) {
    grantedByOne.increment();
    grants.put(token, grant);
  }

  private Claim grantedByBoth(Claim.Acquired one, Claim.Acquired other) {
    grants.remove(one.lease().token());
    // A store that missed a take-over counts behind; a fencing number must not.
    return one.lease().attempt() >= other.lease().attempt() ? one : other;
  }

  private static Hold holdAfter(@Nullable RuntimeException failure) {
    return failure instanceof StoreNotAskedException ? Hold.NO : Hold.MAYBE;
  }

  /** Nothing ran under the lease. A key taken over stays abandoned: an earlier run is unknown. */
  private static Function<IdempotencyStore, LeaseCheck> giveBack(Lease lease) {
    return lease.attempt() == 1
        ? store -> store.release(lease)
        : store -> store.renew(lease, Duration.ZERO);
  }

  private void giveBack(Side side, Lease lease) {
    writeOrOwe(side, lease.token(), giveBack(lease));
  }

  /** Gives back what a claim may have been granted whose answer is not known. */
  private void giveBackUnknown(Side side, ClaimRequest request, RuntimeException failure) {
    if (holdAfter(failure) == Hold.MAYBE) {
      int attempt = request.takeOver() ? 2 : 1;
      owe(side, request.token(), giveBack(new Lease(request.id(), request.token(), attempt)));
    }
  }

  private void writeOrOwe(
      Side side, OwnerToken token, Function<IdempotencyStore, LeaseCheck> write) {
    try {
      side.ask(write);
    } catch (RuntimeException e) {
      owe(side, token, write);
    }
  }

  private void owe(Side side, OwnerToken token, Function<IdempotencyStore, LeaseCheck> write) {
    owed.add(side, token, () -> side.ask(write));
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    long began = nanoClock.getAsLong();
    return settled(
        lease,
        write(
            lease,
            true,
            store -> store.complete(lease, outcome, retention),
            store -> completeLater(store, lease, outcome, retention, began)));
  }

  /** Keeps the outcome as long as the other store does, and no longer. */
  private LeaseCheck completeLater(
      IdempotencyStore store, Lease lease, StoredOutcome outcome, Duration retention, long began) {
    Duration left = retention.minusNanos(nanoClock.getAsLong() - began);
    // Past its retention a record is absent; what may run again may have another outcome.
    return left.toMillis() < 1 ? store.release(lease) : store.complete(lease, outcome, left);
  }

  @Override
  public LeaseCheck release(Lease lease) {
    Function<IdempotencyStore, LeaseCheck> release = store -> store.release(lease);
    return settled(lease, write(lease, false, release, release));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    // Giving up goes to both. A renewal stops at the store that a rival, who takes over in the same
    // order, was faster at: else neither would have the key.
    boolean givesUp = leaseFor.isZero();
    LeaseCheck check = write(lease, !givesUp, store -> store.renew(lease, leaseFor), null);
    return givesUp ? settled(lease, check) : check;
  }

  private LeaseCheck settled(Lease lease, LeaseCheck check) {
    grants.remove(lease.token());
    return check;
  }

  /**
   * Writes to the stores that hold the lease, or may.
   *
   * @param untilLost whether a store that says no keeps the next one from being written to
   * @param later what is owed to a store that failed where the other did not; null for nothing
   */
  private LeaseCheck write(
      Lease lease,
      boolean untilLost,
      Function<IdempotencyStore, LeaseCheck> write,
      @Nullable Function<IdempotencyStore, LeaseCheck> later) {
    Grant grant = grants.of(lease.token());
    Ballot ballot = new Ballot();
    for (Side side : new Side[] {primary, fallback}) {
      Hold hold = side == primary ? grant.primary() : grant.fallback();
      if (hold == Hold.NO || (untilLost && ballot.lost)) {
        continue;
      }
      try {
        ballot.add(hold, side.ask(write));
      } catch (RuntimeException e) {
        ballot.failed(side, e);
      }
    }
    LeaseCheck check = ballot.result();
    if (ballot.failed != null && later != null && check == LeaseCheck.HELD) {
      owe(ballot.failed, lease.token(), later);
    }
    return check;
  }

  /** What the stores say of one write. Lost to one is lost; held needs one that decides. */
  private static final class Ballot {

    private boolean held;
    private boolean lost;
    private @Nullable Side failed;
    private @Nullable RuntimeException failure;

    void add(Hold hold, LeaseCheck check) {
      if (hold == Hold.YES) {
        held |= check == LeaseCheck.HELD;
        lost |= check == LeaseCheck.LOST;
      }
    }

    void failed(Side side, RuntimeException e) {
      if (failure != null) {
        e.addSuppressed(failure);
      }
      failed = side;
      failure = e;
    }

    LeaseCheck result() {
      if (lost) {
        return LeaseCheck.LOST;
      }
      if (held) {
        return LeaseCheck.HELD;
      }
      throw failure != null
          ? failure
          : new StoreUnavailableException("Neither store holds the lease", null);
    }
  }

  /**
   * Settles what is owed, then purges both stores as far as they need it.
   *
   * @param limit the most records to delete in each store in this call; at least 1
   * @return how many were deleted in both
   * @throws StoreUnavailableException if one of the stores cannot say; the other was purged
   */
  @Override
  public int purgeExpired(int limit) {
    owed.settle();
    int purged = 0;
    RuntimeException failure = null;
    for (Side side : new Side[] {primary, fallback}) {
      if (side.store instanceof ExpiredEntries entries) {
        try {
          purged += side.ask(store -> entries.purgeExpired(limit));
        } catch (RuntimeException e) {
          failure = e;
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
    return purged;
  }

  /** One of the stores, with a log line when it goes and one when it comes back. */
  private static final class Side {

    private final String role;
    private final IdempotencyStore store;
    private final AtomicBoolean down = new AtomicBoolean();

    Side(String role, IdempotencyStore store) {
      this.role = role;
      this.store = store;
    }

    <R> R ask(Function<IdempotencyStore, R> call) {
      R answer;
      try {
        answer = call.apply(store);
      } catch (RuntimeException e) {
        if (down.compareAndSet(false, true)) {
          log.warn("The {} store does not answer", role, e);
        }
        throw e;
      }
      if (down.get() && down.compareAndSet(true, false)) {
        log.info("The {} store answers again", role);
      }
      return answer;
    }
  }
}
