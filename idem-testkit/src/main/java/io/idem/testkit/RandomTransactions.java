package io.idem.testkit;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A random history of transactions and leased claims on a few keys, compared step by step with what
 * the contract says. In some transactions another one, of another node, begins and ends.
 *
 * <p>A failure tells the seed. With {@code -Didem.seed=…} the same history is played again.
 */
final class RandomTransactions {

  private static final int KEYS = 4;
  private static final StoredOutcome DONE = StoredOutcome.done();

  private final Random random;
  private final Seed seed;
  private final TransactionalContract contract;
  private final List<RecordId> ids = Stream.generate(Requests::newId).limit(KEYS).toList();

  /** What is committed, and how often the effect of each key. */
  private final Map<RecordId, Entry> committed = new HashMap<>();

  private final Map<RecordId, Integer> effects = new HashMap<>();

  /** What other transactions hold that have not ended. */
  private final Set<RecordId> held = new HashSet<>();

  /** Whether another transaction has ended in the one that is running. */
  private boolean overtaken;

  RandomTransactions(Seed seed, TransactionalContract contract) {
    this.seed = seed;
    this.random = seed.random();
    this.contract = contract;
  }

  /**
   * A record.
   *
   * @param lease its owner; null if that was a transaction
   * @param live whether the lease, or else the retention, has not run out
   * @param outcome null while it has none
   */
  private record Entry(
      @Nullable Lease lease,
      int attempt,
      Fingerprint fingerprint,
      boolean live,
      @Nullable StoredOutcome outcome) {

    boolean isExpired() {
      return outcome != null && !live;
    }
  }

  void play(int steps) {
    for (int i = 0; i < steps; i++) {
      switch (random.nextInt(8)) {
        case 0 -> leasedClaim();
        case 1 -> leasedEnd();
        case 2 -> age();
        default -> transaction(0);
      }
    }
  }

  // ---- transactions

  private void transaction(int depth) {
    boolean wanted = random.nextInt(3) > 0;
    Map<RecordId, Entry> written = new HashMap<>();
    overtaken = false;
    boolean committing = wanted;
    try {
      switch (random.nextInt(4)) {
        case 0 ->
            contract.inCallersTransaction(
                joining -> {
                  joining.inTransaction(scope -> work(scope, "joined", written, depth));
                  return wanted;
                });
        case 1 -> inOwn(contract.otherStore(), "there", wanted, written, depth);
        default -> inOwn(contract.store(), "here", wanted, written, depth);
      }
    } catch (StoreConflictException behindItsSnapshot) {
      // Where the isolation is stricter, what was committed meanwhile must not be looked at, and
      // MariaDB says so of what another transaction holds as well.
      boolean behindAnother = depth > 0 && !held.isEmpty();
      seed.check("a claim", behindItsSnapshot, "no conflict", overtaken || behindAnother);
      committing = false;
    }
    seed.tell((committing ? "committed " : "rolled back ") + named(written.keySet()));
    held.removeAll(written.keySet());
    overtaken = true;
    if (committing) {
      committed.putAll(written);
      written.keySet().forEach(id -> effects.merge(id, 1, Integer::sum));
    }
    for (RecordId id : ids) {
      int expected = effects.getOrDefault(id, 0);
      int found = contract.effects(id);
      seed.check("effects of " + named(id), found, expected, found == expected);
    }
  }

  private void inOwn(
      TransactionalStore store,
      String where,
      boolean commit,
      Map<RecordId, Entry> written,
      int depth) {
    store.inTransaction(
        scope -> {
          work(scope, where, written, depth);
          if (!commit) {
            scope.setRollbackOnly();
          }
          return true;
        });
  }

  private boolean work(
      TransactionScope scope, String where, Map<RecordId, Entry> written, int depth) {
    Map<RecordId, Lease> leases = new HashMap<>();
    int steps = random.nextInt(1, 5);
    for (int i = 0; i < steps; i++) {
      if (depth == 0
          && !written.isEmpty()
          && random.nextInt(6) == 0
          && contract.boundsEveryWait()) {
        held.addAll(written.keySet());
        seed.tell("meanwhile, while " + named(written.keySet()) + " are held:");
        // Of another thread: a thread may have no more than one.
        Together.run(
            List.<Callable<Boolean>>of(
                () -> {
                  transaction(1);
                  return true;
                }));
      } else if (random.nextInt(4) == 0) {
        claimAll(scope, where, written, leases);
      } else {
        claim(scope, where, written, leases);
      }
      if (random.nextInt(3) == 0) {
        completeOne(scope, written, leases);
      }
    }
    // An engine never commits a key without its outcome.
    while (!leases.isEmpty()) {
      completeOne(scope, written, leases);
    }
    return true;
  }

  private void claim(
      TransactionScope scope,
      String where,
      Map<RecordId, Entry> written,
      Map<RecordId, Lease> leases) {
    ClaimRequest request = request(ids.get(random.nextInt(KEYS)));
    boolean completed = random.nextBoolean();
    Claim found =
        completed
            ? scope.claimCompleted(request, DONE, Duration.ZERO)
            : scope.claim(request, Duration.ZERO);
    check(where, scope, request, completed ? DONE : null, found, written, leases);
  }

  private void claimAll(
      TransactionScope scope,
      String where,
      Map<RecordId, Entry> written,
      Map<RecordId, Lease> leases) {
    List<ClaimRequest> requests =
        ids.stream().filter(id -> random.nextBoolean()).map(this::request).toList();
    boolean completed = random.nextBoolean();
    List<Claim> found =
        completed
            ? scope.claimAllCompleted(requests, DONE, Duration.ZERO)
            : scope.claimAll(requests, Duration.ZERO);
    seed.check("a batch", found.size(), requests.size(), found.size() == requests.size());
    for (int i = 0; i < requests.size(); i++) {
      check(where, scope, requests.get(i), completed ? DONE : null, found.get(i), written, leases);
    }
  }

  private ClaimRequest request(RecordId id) {
    Fingerprint fingerprint =
        switch (random.nextInt(5)) {
          case 0 -> Fingerprint.NONE;
          case 1 -> LeasedContract.OTHER_REQUEST;
          default -> Fingerprint.of("request");
        };
    return Requests.with(Requests.claimOf(id).withTakeOver(random.nextBoolean()), fingerprint);
  }

  /** Compares an answer with the contract's, and writes the effect of what was acquired. */
  private void check(
      String where,
      TransactionScope scope,
      ClaimRequest request,
      @Nullable StoredOutcome outcome,
      Claim found,
      Map<RecordId, Entry> written,
      Map<RecordId, Lease> leases) {
    RecordId id = request.id();
    String step =
        "%s claims %s as %s, takeOver=%s, outcome=%s"
            .formatted(where, named(id), request.fingerprint(), request.takeOver(), outcome);
    if (!written.containsKey(id) && held.contains(id)) {
      seed.check(step, found, "running elsewhere", found instanceof Claim.Running);
      return;
    }
    Entry entry = written.getOrDefault(id, committed.get(id));
    boolean own = written.containsKey(id);
    Claim expected = expected(request, entry, own);
    boolean agree =
        (found instanceof Claim.Running running && expected instanceof Claim.Running wanted)
            ? running.fingerprint().equals(wanted.fingerprint())
                && (running.leaseLeft().isZero() == own)
            : found.equals(expected);
    if (!agree && expected instanceof Claim.Acquired && isBehindANeighbour(found)) {
      seed.check(step, found, found, true);
      return;
    }
    seed.check(step, found, expected, agree);
    if (expected instanceof Claim.Acquired acquired) {
      Fingerprint fingerprint =
          acquired.lease().attempt() > 1 && request.fingerprint().equals(Fingerprint.NONE)
              ? Objects.requireNonNull(entry).fingerprint()
              : request.fingerprint();
      written.put(id, new Entry(null, acquired.lease().attempt(), fingerprint, true, outcome));
      if (outcome == null) {
        leases.put(id, acquired.lease());
      }
      contract.write(scope, id);
    }
  }

  /** Whether a lock beside what another transaction holds may be why a free key is busy. */
  private boolean isBehindANeighbour(Claim found) {
    return contract.locksNeighbours()
        && !held.isEmpty()
        && found instanceof Claim.Running running
        && running.fingerprint().equals(Fingerprint.NONE);
  }

  private static Claim expected(ClaimRequest request, @Nullable Entry entry, boolean own) {
    if (entry == null || entry.isExpired()) {
      return new Claim.Acquired(new Lease(request.id(), request.token(), 1));
    }
    if (entry.outcome() != null) {
      return new Claim.Completed(entry.fingerprint(), entry.outcome());
    }
    if (own || entry.live()) {
      return new Claim.Running(entry.fingerprint(), Duration.ZERO);
    }
    if (request.takeOver() && request.fingerprint().matches(entry.fingerprint())) {
      return new Claim.Acquired(new Lease(request.id(), request.token(), entry.attempt() + 1));
    }
    return new Claim.Abandoned(entry.fingerprint(), entry.attempt());
  }

  private void completeOne(
      TransactionScope scope, Map<RecordId, Entry> written, Map<RecordId, Lease> leases) {
    if (leases.isEmpty()) {
      return;
    }
    RecordId id = leases.keySet().stream().sorted().findFirst().orElseThrow();
    Lease lease = Objects.requireNonNull(leases.remove(id));
    StoredOutcome outcome = StoredOutcome.result(new byte[] {(byte) random.nextInt()});
    LeaseCheck stranger =
        scope.complete(new Lease(id, Requests.newToken(), 1), DONE, Requests.RETENTION);
    String step = " completes " + named(id);
    seed.check("a stranger" + step, stranger, LeaseCheck.LOST, stranger == LeaseCheck.LOST);
    LeaseCheck found = scope.complete(lease, outcome, Requests.RETENTION);
    seed.check("its owner" + step, found, LeaseCheck.HELD, found == LeaseCheck.HELD);
    Entry entry = Objects.requireNonNull(written.get(id));
    written.put(id, new Entry(null, entry.attempt(), entry.fingerprint(), true, outcome));
  }

  // ---- beside transactions

  private void leasedClaim() {
    ClaimRequest request = request(ids.get(random.nextInt(KEYS)));
    Entry entry = committed.get(request.id());
    Claim expected = expected(request, entry, false);
    Claim found = contract.leasedStore().claim(request);
    boolean agree =
        (found instanceof Claim.Running running && expected instanceof Claim.Running wanted)
            ? running.fingerprint().equals(wanted.fingerprint())
            : found.equals(expected);
    seed.check("leased claim of " + named(request.id()), found, expected, agree);
    if (found instanceof Claim.Acquired acquired) {
      Fingerprint fingerprint =
          acquired.lease().attempt() > 1 && request.fingerprint().equals(Fingerprint.NONE)
              ? Objects.requireNonNull(entry).fingerprint()
              : request.fingerprint();
      committed.put(
          request.id(),
          new Entry(acquired.lease(), acquired.lease().attempt(), fingerprint, true, null));
    }
  }

  private void leasedEnd() {
    for (RecordId id : ids) {
      Entry entry = committed.get(id);
      if (entry != null && entry.lease() != null && entry.outcome() == null) {
        boolean release = random.nextBoolean();
        LeaseCheck found =
            release
                ? contract.leasedStore().release(entry.lease())
                : contract.leasedStore().complete(entry.lease(), DONE, Requests.RETENTION);
        seed.check(
            (release ? "leased release of " : "leased completion of ") + named(id),
            found,
            LeaseCheck.HELD,
            found == LeaseCheck.HELD);
        if (release) {
          committed.remove(id);
        } else {
          committed.put(
              id, new Entry(entry.lease(), entry.attempt(), entry.fingerprint(), true, DONE));
        }
        return;
      }
    }
  }

  private void age() {
    RecordId id = ids.get(random.nextInt(KEYS));
    Entry entry = committed.get(id);
    if (entry == null) {
      return;
    }
    contract.age(id, Requests.RETENTION.multipliedBy(2));
    seed.tell(named(id) + " is long ago");
    committed.put(
        id, new Entry(entry.lease(), entry.attempt(), entry.fingerprint(), false, entry.outcome()));
  }

  private String named(RecordId id) {
    return "key " + ids.indexOf(id);
  }

  private List<String> named(Set<RecordId> some) {
    return ids.stream().filter(some::contains).map(this::named).toList();
  }
}
