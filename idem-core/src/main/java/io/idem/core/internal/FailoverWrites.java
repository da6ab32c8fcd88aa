package io.idem.core.internal;

import io.idem.core.internal.FailoverGrants.Grant;
import io.idem.core.internal.FailoverGrants.Hold;
import io.idem.core.store.Completion;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What is written to two stores after a claim, to those that granted it; and what one of them is
 * owed.
 *
 * <p>A store that did not answer lately is asked last, and not at all where the other is enough:
 * nobody waits for its timeout again. That is as if the call had failed.
 */
public final class FailoverWrites {

  private final FailoverSide primary;
  private final FailoverSide fallback;
  private final FailoverGrants grants;
  private final boolean fallbackDecides;
  private final LongSupplier nanoClock;
  private final OwedWrites owed;

  /**
   * Starts with nothing owed.
   *
   * @param fallbackDecides whether the fallback alone says what is held
   */
  public FailoverWrites(
      FailoverSide primary,
      FailoverSide fallback,
      FailoverGrants grants,
      boolean fallbackDecides,
      LongSupplier nanoClock) {
    this.primary = primary;
    this.fallback = fallback;
    this.grants = grants;
    this.fallbackDecides = fallbackDecides;
    this.nanoClock = nanoClock;
    this.owed = new OwedWrites(nanoClock);
  }

  /** What is owed to the stores. */
  public OwedWrites owed() {
    return owed;
  }

  /**
   * In which order to write. The store that decides alone goes first. Where both do it is the
   * primary, as for a rival who takes over; unless it is down, for who waits for it may lose the
   * lease in the other.
   */
  private List<FailoverSide> inOrder(boolean fallbackFirst) {
    return fallbackFirst || !primary.answers()
        ? List.of(fallback, primary)
        : List.of(primary, fallback);
  }

  /** Completes many keys with one call to each store. */
  public List<LeaseCheck> completeAll(List<Completion> completions) {
    List<Ballot> ballots = completions.stream().map(each -> new Ballot(each.lease())).toList();
    long began = nanoClock.getAsLong();
    int room = owed.room();
    for (FailoverSide side : inOrder(fallbackDecides)) {
      List<Ballot> asked = new ArrayList<>();
      List<Completion> sent = new ArrayList<>();
      int before = room;
      for (int i = 0; i < ballots.size(); i++) {
        Ballot ballot = ballots.get(i);
        // Who lost the key to a rival in one store must not complete it in the other.
        if (ballot.hold(side) == Hold.NO || ballot.lost) {
          continue;
        }
        if (!side.answers() && ballot.held && room > 0) {
          room--;
          ballot.failed = side;
        } else {
          asked.add(ballot);
          sent.add(completions.get(i));
        }
      }
      if (room < before) {
        side.leftOut();
      }
      if (asked.isEmpty()) {
        continue;
      }
      try {
        List<LeaseCheck> checks = side.completeAll(sent);
        for (int i = 0; i < asked.size(); i++) {
          asked.get(i).add(side, checks.get(i));
        }
      } catch (RuntimeException e) {
        asked.forEach(ballot -> ballot.failed(side, e));
      }
    }
    for (int i = 0; i < ballots.size(); i++) {
      Completion completion = completions.get(i);
      ballots.get(i).owe(store -> completeLater(store, completion, began));
    }
    // Throws before any grant is forgotten: who repeats the batch asks the same stores again.
    List<LeaseCheck> results = ballots.stream().map(Ballot::result).toList();
    ballots.forEach(ballot -> grants.remove(ballot.lease.token()));
    return results;
  }

  /** Keeps the outcome as long as the other store does, and no longer. */
  private LeaseCheck completeLater(IdempotencyStore store, Completion completion, long began) {
    Duration left = completion.retention().minusNanos(nanoClock.getAsLong() - began);
    Lease lease = completion.lease();
    // Past its retention a record is absent; what may run again may have another outcome.
    return left.toMillis() < 1
        ? store.release(lease)
        : store.complete(lease, completion.outcome(), left);
  }

  /** Frees a key. */
  public LeaseCheck release(Lease lease) {
    Ballot ballot = new Ballot(lease);
    ask(ballot, false, store -> store.release(lease));
    ballot.owe(store -> store.release(lease));
    return settled(ballot);
  }

  /** Lets a lease run out at another time. */
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    // Giving up goes to both. A renewal stops at the store that a rival was faster at: else neither
    // would have the key.
    boolean givesUp = leaseFor.isZero();
    Ballot ballot = new Ballot(lease);
    ask(ballot, !givesUp, store -> store.renew(lease, leaseFor));
    return givesUp ? settled(ballot) : ballot.result();
  }

  /**
   * Asks the stores that hold the lease, or may.
   *
   * @param renewal whether the lease is to live on: then a store that says no keeps the next one
   *     from being written to. What frees a key reaches the fallback last, whose signal wakes those
   *     who want it.
   */
  private void ask(Ballot ballot, boolean renewal, Function<IdempotencyStore, LeaseCheck> write) {
    for (FailoverSide side : inOrder(renewal && fallbackDecides)) {
      if (ballot.hold(side) == Hold.NO || (renewal && ballot.lost)) {
        continue;
      }
      boolean probe = false;
      if (!side.answers() && (ballot.held || (renewal && ballot.hold(side) != Hold.YES))) {
        probe = renewal && side.beginProbe();
        if (!probe) {
          side.leftOut();
          ballot.failed = side;
          continue;
        }
      }
      try {
        ballot.add(side, side.ask(write));
      } catch (RuntimeException e) {
        ballot.failed(side, e);
      } finally {
        if (probe) {
          side.endProbe();
        }
      }
    }
  }

  private LeaseCheck settled(Ballot ballot) {
    LeaseCheck check = ballot.result();
    grants.remove(ballot.lease.token());
    return check;
  }

  /** Completes keys in one of the stores, now or later. */
  public void copy(FailoverSide side, List<Completion> completions) {
    if (completions.isEmpty()) {
      return;
    }
    long began = nanoClock.getAsLong();
    try {
      side.completeAll(completions);
    } catch (RuntimeException e) {
      for (Completion each : completions) {
        owe(side, each.lease().token(), store -> completeLater(store, each, began));
      }
    }
  }

  /** Gives back what one of the stores granted and nothing ran under, now or later. */
  public void giveBack(FailoverSide side, List<Lease> leases) {
    boolean down = false;
    for (Lease lease : leases) {
      if (!down) {
        try {
          side.ask(giveBack(lease));
          continue;
        } catch (RuntimeException e) {
          down = true; // it is not asked once for each key of a batch
        }
      }
      owe(side, lease.token(), giveBack(lease));
    }
  }

  /** Gives back later what one of the stores may have granted, and probably has not. */
  public void giveBackUnknown(FailoverSide side, Lease lease) {
    Function<IdempotencyStore, LeaseCheck> write = giveBack(lease);
    owed.addPrecaution(side, lease.token(), () -> side.retry(write));
  }

  /** A key taken over stays abandoned: an earlier run is unknown. */
  private static Function<IdempotencyStore, LeaseCheck> giveBack(Lease lease) {
    return lease.attempt() == 1
        ? store -> store.release(lease)
        : store -> store.renew(lease, Duration.ZERO);
  }

  private void owe(
      FailoverSide side, OwnerToken token, Function<IdempotencyStore, LeaseCheck> write) {
    owed.add(side, token, () -> side.retry(write));
  }

  /** What the stores say of one write. Lost to one is lost; held needs one that decides. */
  private final class Ballot {

    private final Lease lease;
    private final Grant grant;
    private final List<RuntimeException> failures = new ArrayList<>(2);
    private @Nullable FailoverSide failed;
    private boolean held;
    private boolean lost;

    Ballot(Lease lease) {
      this.lease = lease;
      this.grant = grants.of(lease.token());
    }

    Hold hold(FailoverSide side) {
      return side == primary ? grant.primary() : grant.fallback();
    }

    void add(FailoverSide side, LeaseCheck check) {
      if (hold(side) == Hold.YES) {
        held |= check == LeaseCheck.HELD;
        lost |= check == LeaseCheck.LOST;
      }
    }

    void failed(FailoverSide side, RuntimeException e) {
      failed = side;
      failures.add(0, e);
    }

    /** Owes a write to a store that failed, or was left out, where the other took it. */
    void owe(Function<IdempotencyStore, LeaseCheck> later) {
      if (failed != null && held && !lost) {
        FailoverWrites.this.owe(failed, lease.token(), later);
      }
    }

    LeaseCheck result() {
      if (lost) {
        return LeaseCheck.LOST;
      }
      if (held) {
        return LeaseCheck.HELD;
      }
      if (failures.isEmpty()) {
        throw new StoreUnavailableException("Neither store holds the lease", null);
      }
      RuntimeException last = failures.get(0);
      failures.stream().skip(1).filter(e -> e != last).forEach(last::addSuppressed);
      throw last;
    }
  }
}
