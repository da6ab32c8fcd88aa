package io.idem.testkit;

import io.idem.core.store.Batch;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** A right store in a few lines, whose methods broken stores override. */
class MapStore implements IdempotencyStore, BatchClaims, ExpiredEntries {

  /** Times are milliseconds; the outcome is null while the record has none. */
  record Entry(
      OwnerToken token,
      int attempt,
      Fingerprint fingerprint,
      StoredOutcome outcome,
      long leaseUntil,
      long expiresAt) {

    Entry aged(long by) {
      return new Entry(token, attempt, fingerprint, outcome, leaseUntil - by, expiresAt - by);
    }

    Entry until(long lease) {
      return new Entry(token, attempt, fingerprint, outcome, lease, expiresAt);
    }

    Entry completed(StoredOutcome result, long expiry) {
      return new Entry(token, attempt, fingerprint, result, leaseUntil, expiry);
    }

    /** Who has nothing to compare takes over for the record's own request. */
    Entry orComparing(Fingerprint stored) {
      return fingerprint.equals(Fingerprint.NONE)
          ? new Entry(token, attempt, stored, outcome, leaseUntil, expiresAt)
          : this;
    }

    boolean expired(long now) {
      return outcome != null && expiresAt <= now;
    }
  }

  final Map<RecordId, Entry> entries;

  MapStore() {
    this(new ConcurrentHashMap<>());
  }

  /** Another client of the same records. */
  MapStore(Map<RecordId, Entry> entries) {
    this.entries = entries;
  }

  long now() {
    return System.nanoTime() / 1_000_000;
  }

  final long after(Duration duration) {
    Duration longest = Duration.ofDays(100_000);
    return now() + (duration.compareTo(longest) > 0 ? longest : duration).toMillis();
  }

  final void age(RecordId id, Duration by) {
    entries.computeIfPresent(id, (key, entry) -> entry.aged(by.toMillis()));
  }

  @Override
  public Claim claim(ClaimRequest request) {
    Claim[] answer = new Claim[1];
    entries.compute(
        request.id(),
        (id, found) -> {
          Entry next = next(found, request);
          answer[0] = answer(next, request, !next.equals(found));
          return next;
        });
    return answer[0];
  }

  /** What is stored after a claim; the same entry if nothing changes. */
  Entry next(Entry found, ClaimRequest request) {
    if (found == null || found.expired(now())) {
      return fresh(request, 1);
    }
    if (found.outcome() != null || found.leaseUntil() > now()) {
      return found;
    }
    if (found.token().equals(request.token())) {
      return found.until(after(request.leaseFor()));
    }
    return request.takeOver() && request.fingerprint().matches(found.fingerprint())
        ? fresh(request, found.attempt() + 1).orComparing(found.fingerprint())
        : found;
  }

  Claim answer(Entry entry, ClaimRequest request, boolean changed) {
    if (entry.outcome() != null) {
      return new Claim.Completed(entry.fingerprint(), entry.outcome());
    }
    if (changed || entry.token().equals(request.token())) {
      return new Claim.Acquired(new Lease(request.id(), request.token(), entry.attempt()));
    }
    long left = entry.leaseUntil() - now();
    return left > 0
        ? new Claim.Running(entry.fingerprint(), Duration.ofMillis(left))
        : new Claim.Abandoned(entry.fingerprint(), entry.attempt());
  }

  final Entry fresh(ClaimRequest request, int attempt) {
    return new Entry(
        request.token(), attempt, request.fingerprint(), null, after(request.leaseFor()), 0);
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    Entry entry =
        entries.computeIfPresent(
            lease.id(),
            (id, found) ->
                found.token().equals(lease.token()) && found.outcome() == null
                    ? found.completed(outcome, after(retention))
                    : found);
    return check(entry != null && entry.token().equals(lease.token()) && entry.outcome() != null);
  }

  @Override
  public LeaseCheck release(Lease lease) {
    Entry found = entries.get(lease.id());
    return check(owned(found, lease) && entries.remove(lease.id(), found));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    Entry found = entries.get(lease.id());
    return check(
        owned(found, lease) && entries.replace(lease.id(), found, found.until(after(leaseFor))));
  }

  static boolean owned(Entry found, Lease lease) {
    return found != null && found.outcome() == null && found.token().equals(lease.token());
  }

  static LeaseCheck check(boolean held) {
    return held ? LeaseCheck.HELD : LeaseCheck.LOST;
  }

  @Override
  public List<Claim> claimAll(List<ClaimRequest> requests) {
    return Batch.claim(
        requests, null, false, distinct -> distinct.stream().map(this::claim).toList());
  }

  @Override
  public List<LeaseCheck> completeAll(List<Completion> completions) {
    Batch.requireBounded(completions.size());
    return completions.stream()
        .map(each -> complete(each.lease(), each.outcome(), each.retention()))
        .toList();
  }

  @Override
  public int purgeExpired(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("A purge deletes at least 1 record, found " + limit);
    }
    return (int)
        purgeable()
            .limit(limit)
            .filter(old -> entries.remove(old.getKey(), old.getValue()))
            .count();
  }

  /** What a purge deletes, oldest first. */
  Stream<Map.Entry<RecordId, Entry>> purgeable() {
    return Map.copyOf(entries).entrySet().stream()
        .filter(each -> each.getValue().expired(now()))
        .sorted(Comparator.comparing(each -> each.getValue().expiresAt()));
  }

  @Override
  public Optional<Duration> purgeLag() {
    return Optional.of(
        purgeable()
            .findFirst()
            .map(oldest -> Duration.ofMillis(now() - oldest.getValue().expiresAt()))
            .orElse(Duration.ZERO));
  }
}
