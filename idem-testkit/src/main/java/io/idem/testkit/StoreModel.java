package io.idem.testkit;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The contract of leased keys, written down as plainly as possible: what a store answers, and what
 * it then holds.
 *
 * <p>Time passes here only when it is told to. A store's own clock goes on meanwhile, and a store
 * may keep an outcome somewhat longer than it was asked to, so that of some moments nobody can say
 * what a store will answer: a record is then {@linkplain #isDecided not decided}.
 */
final class StoreModel {

  /** More than a history takes on a slow machine. */
  private static final long SLACK = Duration.ofSeconds(25).toMillis();

  /** What a store may add to a lease: how long the claim may have waited for it. */
  private static final long WAITED = Duration.ofSeconds(5).toMillis();

  /** What a store may add to a retention: the lease it was claimed for, and what it rounds. */
  private static final long LONGER = Duration.ofMinutes(2).toMillis();

  private final Map<RecordId, Entry> entries = new HashMap<>();

  /** Times are what is left of them, in milliseconds; those of an outcome count only with one. */
  private static final class Entry {
    OwnerToken token;
    int attempt;
    Fingerprint fingerprint;
    long lease;

    /** Less than the above where a store may have kept the end of the lease as it was. */
    long leaseAtLeast;

    @Nullable StoredOutcome outcome;
    long kept;
    long goneAfter;

    Entry(OwnerToken token, int attempt, Fingerprint fingerprint) {
      this.token = token;
      this.attempt = attempt;
      this.fingerprint = fingerprint;
    }

    void holdFor(long millis) {
      lease = millis;
      leaseAtLeast = millis;
    }

    boolean isExpired() {
      return outcome != null && goneAfter <= 0;
    }

    boolean isDecidedAfter(long by) {
      return outcome != null
          ? kept - by > SLACK || goneAfter - by <= 0
          : leaseAtLeast - by > SLACK || lease - by <= -WAITED;
    }
  }

  // ---- the verbs

  Answer claim(ClaimRequest request) {
    Entry entry = entries.get(request.id());
    long leaseFor = request.leaseFor().toMillis();
    if (entry == null || entry.isExpired()) {
      entry = new Entry(request.token(), 1, request.fingerprint());
      entries.put(request.id(), entry);
    } else if (entry.outcome != null) {
      return Answer.of(new Claim.Completed(entry.fingerprint, entry.outcome));
    } else if (!entry.token.equals(request.token())) {
      if (entry.lease > 0) {
        Duration most = Duration.ofMillis(entry.lease);
        return new Answer(new Claim.Running(entry.fingerprint, most), entry.leaseAtLeast);
      }
      if (!request.takeOver() || !entry.fingerprint.matches(request.fingerprint())) {
        return Answer.of(new Claim.Abandoned(entry.fingerprint, entry.attempt));
      }
      entry.attempt++;
      if (!request.fingerprint().equals(Fingerprint.NONE)) {
        entry.fingerprint = request.fingerprint();
      }
    } else if (entry.lease > 0) {
      // A repeat whose answer was lost may extend its lease.
      entry.leaseAtLeast = Math.min(entry.leaseAtLeast, leaseFor);
      entry.lease = Math.max(entry.lease, leaseFor);
      return Answer.of(new Claim.Acquired(new Lease(request.id(), entry.token, entry.attempt)));
    }
    entry.token = request.token();
    entry.holdFor(leaseFor);
    entry.goneAfter = request.leaseFor().plus(request.retention()).toMillis();
    return Answer.of(new Claim.Acquired(new Lease(request.id(), entry.token, entry.attempt)));
  }

  /** What a completion may answer: both, where nobody needs to know any more. */
  Set<LeaseCheck> complete(Lease lease, StoredOutcome outcome, Duration retention) {
    Entry entry = ownedBy(lease);
    if (entry == null) {
      return Set.of(LeaseCheck.LOST);
    }
    if (entry.isExpired()) {
      return Set.of(LeaseCheck.values());
    }
    if (entry.outcome == null) {
      entry.outcome = outcome;
      entry.kept = retention.toMillis();
      entry.goneAfter = Math.max(entry.kept, entry.goneAfter) + LONGER;
    }
    return Set.of(LeaseCheck.HELD);
  }

  LeaseCheck release(Lease lease) {
    Entry entry = ownedBy(lease);
    if (entry == null || entry.outcome != null) {
      return LeaseCheck.LOST;
    }
    entries.remove(lease.id());
    return LeaseCheck.HELD;
  }

  LeaseCheck renew(Lease lease, Duration leaseFor) {
    Entry entry = ownedBy(lease);
    if (entry == null || entry.outcome != null) {
      return LeaseCheck.LOST;
    }
    entry.holdFor(leaseFor.toMillis());
    return LeaseCheck.HELD;
  }

  /** How many records a purge finds. */
  int purge() {
    int before = entries.size();
    entries.values().removeIf(Entry::isExpired);
    return before - entries.size();
  }

  private @Nullable Entry ownedBy(Lease lease) {
    Entry entry = entries.get(lease.id());
    return entry != null && entry.token.equals(lease.token()) ? entry : null;
  }

  // ---- time

  /** The records that are there to be aged. */
  Set<RecordId> present() {
    Set<RecordId> present = new TreeSet<>();
    entries.forEach(
        (id, entry) -> {
          if (!entry.isExpired()) {
            present.add(id);
          }
        });
    return present;
  }

  /** Whether a store has only one answer once these records are older. */
  boolean isDecided(Set<RecordId> ids, Duration by) {
    return ids.stream()
        .map(entries::get)
        .filter(Objects::nonNull)
        .allMatch(entry -> entry.isDecidedAfter(by.toMillis()));
  }

  void age(Set<RecordId> ids, Duration by) {
    for (RecordId id : ids) {
      Entry entry = entries.get(id);
      if (entry != null) {
        entry.lease -= by.toMillis();
        entry.leaseAtLeast -= by.toMillis();
        entry.kept -= by.toMillis();
        entry.goneAfter -= by.toMillis();
      }
    }
  }

  /**
   * What a store answers to a claim.
   *
   * @param claim the answer, in which a lease has as much left as it can have
   * @param leaseAtLeast as little as it can have left, in milliseconds, but for the time that has
   *     really passed
   */
  record Answer(Claim claim, long leaseAtLeast) {

    private static Answer of(Claim claim) {
      return new Answer(claim, 0);
    }

    /** Whether a store's answer is this one. */
    boolean agrees(Claim found) {
      if (found instanceof Claim.Running running && claim instanceof Claim.Running wanted) {
        long left = running.leaseLeft().toMillis();
        return running.fingerprint().equals(wanted.fingerprint())
            && left > 0
            && left <= wanted.leaseLeft().toMillis() + 1000
            && left >= leaseAtLeast - SLACK;
      }
      return found.equals(claim);
    }
  }
}
