package io.idem.core;

import io.idem.core.internal.FailoverGrants;
import io.idem.core.internal.FailoverGrants.Grant;
import io.idem.core.internal.FailoverGrants.Hold;
import io.idem.core.internal.FailoverSide;
import io.idem.core.internal.FailoverWrites;
import io.idem.core.store.Batch;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

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
 *   <li>Later writes go to the stores that granted the lease; only those decide whether it is still
 *       held. A store that may hold the token, because its answer to the claim was lost, is written
 *       to without a say. A store that did not answer lately is left out if the other is enough, so
 *       that a running lease does not wait for its timeout; a renewal every few seconds looks
 *       whether it answers again.
 *   <li>A write that one store could not take, and the other did, is owed: {@link #purgeExpired}
 *       settles it.
 * </ol>
 *
 * <p>Nodes need not agree on which store is down, because every claim passes through the fallback;
 * see {@link FallbackPolicy} for what happens when that one is down. All nodes need the same two
 * stores in the same roles. A claim costs a call to each store, a replay one call to the fallback,
 * so a fast fallback is a good one. A batch costs no more calls than one key, where the stores have
 * {@link BatchClaims}; a repeat that waits is woken if the fallback has {@link CompletionSignal}.
 * Asynchronous requests ask it on threads that may block, also where both stores are asynchronous.
 * Put a circuit breaker around each store: an outage then costs no timeouts. Thread-safe if the
 * stores are.
 */
public final class FailoverStore implements IdempotencyStore, ExpiredEntries {

  private static final Duration PROBE_EVERY = Duration.ofSeconds(5);

  private final FailoverSide primary;
  private final FailoverSide fallback;
  private final FallbackPolicy policy;
  private final FailoverGrants grants;
  private final FailoverWrites writes;
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
    this(primary, fallback, policy, nanoClock, PROBE_EVERY);
  }

  /** With a time of its own between two looks at a store that is down. */
  FailoverStore(
      IdempotencyStore primary,
      IdempotencyStore fallback,
      FallbackPolicy policy,
      LongSupplier nanoClock,
      Duration probeEvery) {
    if (primary == fallback) {
      throw new IllegalArgumentException("A store cannot be its own fallback");
    }
    this.primary = new FailoverSide("primary", primary, nanoClock, probeEvery);
    this.fallback = new FailoverSide("fallback", fallback, nanoClock, probeEvery);
    this.policy = policy;
    boolean fallbackDecides = policy == FallbackPolicy.REQUIRED;
    this.grants = new FailoverGrants(new Grant(Hold.YES, fallbackDecides ? Hold.MAYBE : Hold.YES));
    this.writes =
        new FailoverWrites(this.primary, this.fallback, grants, fallbackDecides, nanoClock);
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
    return writes.owed().size();
  }

  /**
   * How many writes were given up that a store was still to take: there were too many of them, or
   * the store refused one again and again while it answered others. Each is logged, and leaves at
   * worst a record that is abandoned in that store.
   *
   * @return the number since this object was made
   */
  public long givenUp() {
    return writes.owed().givenUp();
  }

  /**
   * How many calls the primary did not answer, with those that were not made because it was known
   * to be down.
   *
   * @return the number since this object was made
   */
  public long missedByPrimary() {
    return primary.missed();
  }

  /**
   * How many calls the fallback did not answer, with those that were not made because it was known
   * to be down.
   *
   * @return the number since this object was made
   */
  public long missedByFallback() {
    return fallback.missed();
  }

  @Override
  public Claim claim(ClaimRequest request) {
    return claimEach(List.of(request)).get(0);
  }

  /** Claims keys that differ, with at most two calls to the fallback and one to the primary. */
  private List<Claim> claimEach(List<ClaimRequest> requests) {
    for (ClaimRequest request : requests) {
      // What is to be given back later must not be what is granted now.
      writes.owed().cancel(fallback, request.token());
      writes.owed().cancel(primary, request.token());
    }
    List<Claim> known;
    try {
      known = fallback.claimAll(requests.stream().map(each -> each.withTakeOver(false)).toList());
    } catch (RuntimeException e) {
      if (policy == FallbackPolicy.REQUIRED) {
        throw e;
      }
      return withoutFallback(requests, e);
    }
    List<Open> open = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      if (known.get(i) instanceof Claim.Acquired || known.get(i) instanceof Claim.Abandoned) {
        open.add(new Open(i, requests.get(i), known.get(i)));
      }
    }
    if (open.isEmpty()) {
      return known;
    }
    askPrimary(open);
    confirm(open);
    lookUpAbandoned(open);
    List<Claim> answers = new ArrayList<>(known);
    open.forEach(each -> answers.set(each.index, each.answer));
    return answers;
  }

  /** A key that the fallback has granted, or calls abandoned, on its way to an answer. */
  private static final class Open {

    final int index;
    final ClaimRequest request;

    /** What the fallback said. */
    final Claim known;

    /** What the primary said; null if it could not. */
    @Nullable Claim second;

    /** Why it could not. */
    @Nullable RuntimeException failure;

    Claim answer;

    Open(int index, ClaimRequest request, Claim known) {
      this.index = index;
      this.request = request;
      this.known = known;
      this.answer = known;
    }
  }

  private void askPrimary(List<Open> open) {
    try {
      List<Claim> claims = primary.claimAll(open.stream().map(each -> each.request).toList());
      for (int i = 0; i < open.size(); i++) {
        open.get(i).second = claims.get(i);
      }
    } catch (RuntimeException e) {
      open.forEach(each -> each.failure = e);
    }
  }

  private List<Claim> withoutFallback(List<ClaimRequest> requests, RuntimeException failure) {
    List<Claim> claims;
    try {
      claims = primary.claimAll(requests);
    } catch (RuntimeException e) {
      // Of two failures the one that leaves more open: what it asked may have taken effect.
      boolean open = holdAfter(failure) == Hold.MAYBE;
      RuntimeException worse = open ? failure : e;
      worse.addSuppressed(open ? e : failure);
      throw worse;
    }
    for (int i = 0; i < requests.size(); i++) {
      ClaimRequest request = requests.get(i);
      if (claims.get(i) instanceof Claim.Acquired) {
        granted(request.token(), new Grant(holdAfter(failure), Hold.YES));
      } else {
        // The fallback was not asked to take over: what it may have granted is a new record.
        giveBackUnknown(fallback, request.withTakeOver(false), failure);
      }
    }
    return claims;
  }

  /** The fallback knew nothing of these keys: the primary may. */
  private void confirm(List<Open> open) {
    List<Completion> copies = new ArrayList<>();
    List<Lease> refused = new ArrayList<>();
    for (Open each : open) {
      if (!(each.known instanceof Claim.Acquired acquired)) {
        continue;
      }
      ClaimRequest request = each.request;
      if (each.second == null) {
        granted(request.token(), new Grant(Hold.YES, holdAfter(each.failure)));
      } else if (each.second instanceof Claim.Acquired second) {
        each.answer = grantedByBoth(acquired, second);
      } else {
        each.answer = each.second;
        if (each.second instanceof Claim.Completed completed
            && completed.fingerprint().equals(request.fingerprint())) {
          copies.add(new Completion(acquired.lease(), completed.outcome(), request.retention()));
        } else {
          refused.add(acquired.lease());
        }
      }
    }
    writes.copy(fallback, copies);
    writes.giveBack(fallback, refused);
  }

  /** The last owner's lease ran out in the fallback; the primary may know more of it. */
  private void lookUpAbandoned(List<Open> open) {
    List<Open> free = new ArrayList<>();
    for (Open each : open) {
      if (each.known instanceof Claim.Abandoned) {
        if (each.second == null || each.second instanceof Claim.Acquired) {
          free.add(each);
        } else {
          each.answer = each.second;
        }
      }
    }
    List<Open> wanted = free.stream().filter(each -> each.request.takeOver()).toList();
    if (!wanted.isEmpty()) {
      try {
        List<Claim> claims = fallback.claimAll(wanted.stream().map(each -> each.request).toList());
        for (int i = 0; i < wanted.size(); i++) {
          wanted.get(i).answer = claims.get(i);
        }
      } catch (RuntimeException e) {
        giveBack(free); // the caller gives back the rest, as after any claim that failed
        throw e;
      }
    }
    List<Open> refused = new ArrayList<>();
    for (Open each : free) {
      if (!(each.answer instanceof Claim.Acquired acquired)) {
        refused.add(each);
      } else if (each.second instanceof Claim.Acquired second) {
        each.answer = grantedByBoth(acquired, second);
      } else {
        granted(each.request.token(), new Grant(Hold.YES, holdAfter(each.failure)));
      }
    }
    giveBack(refused);
  }

  /** Gives back what the primary granted, or may have granted before it failed. */
  private void giveBack(List<Open> refused) {
    List<Lease> leases = new ArrayList<>();
    for (Open each : refused) {
      if (each.second instanceof Claim.Acquired acquired) {
        leases.add(acquired.lease());
      } else if (each.failure != null) {
        giveBackUnknown(primary, each.request, each.failure);
      }
    }
    writes.giveBack(primary, leases);
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

  /** Gives back what a claim may have been granted whose answer is not known. */
  private void giveBackUnknown(FailoverSide side, ClaimRequest request, RuntimeException failure) {
    if (holdAfter(failure) == Hold.MAYBE) {
      int attempt = request.takeOver() ? 2 : 1;
      writes.giveBackUnknown(side, new Lease(request.id(), request.token(), attempt));
    }
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return writes.completeAll(List.of(new Completion(lease, outcome, retention))).get(0);
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return writes.release(lease);
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return writes.renew(lease, leaseFor);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Batches if one of the stores has them; a signal if the fallback has one, because its answers
   * are final.
   */
  @Override
  public <C> Optional<C> capability(Class<C> type) {
    if (type == BatchClaims.class) {
      boolean either =
          primary.capability(type).isPresent() || fallback.capability(type).isPresent();
      return either ? Optional.of(type.cast(new Batches())) : Optional.empty();
    }
    if (type == CompletionSignal.class) {
      return fallback
          .capability(CompletionSignal.class)
          .map(own -> type.cast(new Signals(own, primary.capability(CompletionSignal.class))));
    }
    return IdempotencyStore.super.capability(type);
  }

  /** Many keys with as many calls as one key. */
  private final class Batches implements BatchClaims {

    @Override
    public List<Claim> claimAll(List<ClaimRequest> requests) {
      return Batch.claim(requests, null, false, FailoverStore.this::claimEach);
    }

    @Override
    public List<LeaseCheck> completeAll(List<Completion> completions) {
      Batch.requireBounded(completions.size());
      return writes.completeAll(completions);
    }
  }

  /** Wakes when either store does; a primary that cannot be watched leaves it to the fallback. */
  private record Signals(CompletionSignal fallback, Optional<CompletionSignal> primary)
      implements CompletionSignal {

    @Override
    public @Nullable Watch watch(RecordId id, Runnable wake) {
      Watch one = fallback.watch(id, wake);
      Watch other;
      try {
        other = primary.map(signal -> signal.watch(id, wake)).orElse(null);
      } catch (RuntimeException e) {
        if (one == null) {
          throw e;
        }
        return one;
      }
      if (one == null || other == null) {
        return one == null ? other : one;
      }
      return () -> {
        try {
          one.close();
        } finally {
          other.close();
        }
      };
    }
  }

  /**
   * Settles what is owed, then purges both stores as far as they need it.
   *
   * @param limit the most records to delete in each store in this call; at least 1
   * @return how many were deleted in the store where it was more
   * @throws IllegalArgumentException if the limit is less than 1; nothing happened
   * @throws StoreUnavailableException if none of the stores that need it can say
   */
  @Override
  public int purgeExpired(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("The limit of a purge is at least 1, found " + limit);
    }
    writes.owed().settle();
    return askPurged(entries -> entries.purgeExpired(limit)).stream()
        .mapToInt(Integer::intValue)
        .max()
        .orElse(0);
  }

  /** How far purging is behind in the store where it is more, of those that answer. */
  @Override
  public Optional<Duration> purgeLag() {
    return askPurged(ExpiredEntries::purgeLag).stream()
        .flatMap(Optional::stream)
        .max(Comparator.naturalOrder());
  }

  /** Asks each store that has to be purged. One that is down keeps no other from being purged. */
  private <R> List<R> askPurged(Function<ExpiredEntries, R> call) {
    List<R> answers = new ArrayList<>();
    RuntimeException failure = null;
    for (FailoverSide side : List.of(primary, fallback)) {
      ExpiredEntries entries = side.capability(ExpiredEntries.class).orElse(null);
      if (entries != null) {
        try {
          answers.add(side.ask(store -> call.apply(entries)));
        } catch (RuntimeException e) {
          failure = e;
        }
      }
    }
    if (failure != null && answers.isEmpty()) {
      throw failure;
    }
    return answers;
  }

  /** This object, to which writes are owed, and what the two stores work on. */
  @Override
  public Set<Object> purgeTargets() {
    Set<Object> targets = new HashSet<>();
    targets.add(this);
    for (FailoverSide side : List.of(primary, fallback)) {
      side.capability(ExpiredEntries.class)
          .ifPresent(entries -> targets.addAll(entries.purgeTargets()));
    }
    return targets;
  }
}
