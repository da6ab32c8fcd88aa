package io.idem.testkit;

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
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A random history of two clients on a few keys, compared with {@link StoreModel} step by step.
 *
 * <p>A failure tells the seed. With {@code -Didem.seed=…} the same history is played again.
 */
final class RandomHistory {

  private static final int KEYS = 3;
  private static final List<Duration> LEASES = List.of(Requests.LEASE, Duration.ofMinutes(5));
  private static final List<Duration> RETENTIONS = List.of(Requests.RETENTION, Duration.ofDays(3));
  private static final List<Duration> AGES =
      List.of(
          Duration.ofSeconds(10),
          Duration.ofSeconds(70),
          Duration.ofMinutes(6),
          Duration.ofHours(20),
          Duration.ofDays(4));

  private final Random random;
  private final Seed seed;
  private final List<IdempotencyStore> clients;
  private final BiConsumer<RecordId, Duration> age;
  private final StoreModel model = new StoreModel();
  private final List<RecordId> ids = Stream.generate(Requests::newId).limit(KEYS).toList();

  /** Of both clients, in the order of their claims; whatever became of them. */
  private final List<Lease> leases = new ArrayList<>();

  private boolean agesTogether;
  private List<BatchClaims> batches = List.of();
  private @Nullable ExpiredEntries entries;

  /**
   * Prepares a history.
   *
   * @param seed where it comes from
   * @param contract whose store
   */
  RandomHistory(Seed seed, LeasedContract contract) {
    this.seed = seed;
    this.random = seed.random();
    this.clients = List.of(contract.store(), contract.otherStore());
    this.age = contract::age;
  }

  /** Whose keys are sometimes claimed and completed in batches. */
  RandomHistory with(BatchClaims here, BatchClaims there) {
    batches = List.of(here, there);
    return this;
  }

  /** From which is sometimes purged; nobody else may use the store then. */
  RandomHistory with(ExpiredEntries purged) {
    entries = purged;
    return this;
  }

  void play(int steps) {
    agesTogether = agesTogether();
    for (int i = 0; i < steps; i++) {
      IdempotencyStore client = any(clients);
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3 -> claim(client);
        case 4, 5 -> complete(client);
        case 6 -> release(client);
        case 7 -> renew(client);
        case 8 -> {
          if (batches.isEmpty()) {
            claim(client);
          } else {
            claimAll(any(batches));
          }
        }
        case 9 -> {
          if (batches.isEmpty()) {
            complete(client);
          } else {
            completeAll(any(batches));
          }
        }
        case 10 -> purge();
        default -> age();
      }
    }
  }

  /** Finds out whether a store ages as a whole, as one does whose clock is moved. */
  private boolean agesTogether() {
    ClaimRequest one = Requests.claimOf(Requests.newId());
    ClaimRequest two = Requests.claimOf(Requests.newId());
    clients.get(0).claim(one);
    clients.get(0).claim(two);
    age.accept(one.id(), Requests.LEASE.plusSeconds(1));
    return clients.get(0).claim(Requests.claimOf(two.id())) instanceof Claim.Abandoned;
  }

  private void claim(IdempotencyStore client) {
    ClaimRequest request = request(any(ids));
    StoreModel.Answer expected = model.claim(request);
    Claim found = client.claim(request);
    seed.check(described(client, request), found, expected.claim(), expected.agrees(found));
    keep(found);
  }

  private ClaimRequest request(RecordId id) {
    Fingerprint fingerprint =
        switch (random.nextInt(5)) {
          case 0 -> Fingerprint.NONE;
          case 1 -> LeasedContract.OTHER_REQUEST;
          default -> Fingerprint.of("request");
        };
    OwnerToken token =
        !leases.isEmpty() && random.nextInt(4) == 0 ? any(leases).token() : Requests.newToken();
    ClaimRequest request = Requests.claimOf(id).withTakeOver(random.nextBoolean());
    return Requests.with(
        Requests.with(Requests.with(request, any(LEASES), Requests.RETENTION), fingerprint), token);
  }

  private void complete(IdempotencyStore client) {
    Completion completion = completion(lease());
    Set<LeaseCheck> expected =
        model.complete(completion.lease(), completion.outcome(), completion.retention());
    LeaseCheck found =
        client.complete(completion.lease(), completion.outcome(), completion.retention());
    seed.check(
        "client " + clients.indexOf(client) + " completes " + described(completion.lease()),
        found,
        expected,
        expected.contains(found));
  }

  private Completion completion(Lease lease) {
    StoredOutcome outcome = StoredOutcome.result(new byte[] {(byte) random.nextInt()});
    return new Completion(lease, outcome, any(RETENTIONS));
  }

  private void release(IdempotencyStore client) {
    Lease lease = lease();
    LeaseCheck expected = model.release(lease);
    LeaseCheck found = client.release(lease);
    String step = "client " + clients.indexOf(client) + " releases " + described(lease);
    seed.check(step, found, expected, found == expected);
  }

  private void renew(IdempotencyStore client) {
    Lease lease = lease();
    Duration leaseFor = random.nextInt(3) == 0 ? Duration.ZERO : any(LEASES);
    LeaseCheck expected = model.renew(lease, leaseFor);
    LeaseCheck found = client.renew(lease, leaseFor);
    seed.check(
        "client %d renews %s for %s".formatted(clients.indexOf(client), described(lease), leaseFor),
        found,
        expected,
        found == expected);
  }

  private void claimAll(BatchClaims client) {
    List<ClaimRequest> requests = new ArrayList<>();
    for (RecordId id : inAnyOrder(ids)) {
      ClaimRequest request = request(id);
      requests.add(request);
      if (random.nextInt(4) == 0) {
        requests.add(Requests.with(request, Requests.newToken()));
      }
    }
    List<StoreModel.Answer> expected = requests.stream().map(model::claim).toList();
    List<Claim> found = client.claimAll(requests);
    boolean agree = found.size() == expected.size();
    for (int i = 0; agree && i < found.size(); i++) {
      Claim answer = found.get(i);
      agree = expected.get(i).agrees(answer) || isRunOfTheFirst(requests, i, answer);
    }
    String step = "client " + batches.indexOf(client) + " claims the batch " + requests;
    seed.check(step, found, expected, agree);
    found.forEach(this::keep);
  }

  /**
   * Whether a key that appears twice is running for the request before, which may have taken over a
   * record with another fingerprint: of a batch it is the first request's that is told.
   */
  private static boolean isRunOfTheFirst(List<ClaimRequest> requests, int repeat, Claim found) {
    return repeat > 0
        && requests.get(repeat).id().equals(requests.get(repeat - 1).id())
        && found instanceof Claim.Running running
        && running.leaseLeft().compareTo(Duration.ZERO) > 0
        && running.fingerprint().equals(requests.get(repeat - 1).fingerprint());
  }

  private void completeAll(BatchClaims client) {
    List<Completion> completions = new ArrayList<>();
    Set<RecordId> seen = new HashSet<>();
    for (int i = 0; i < 2 * KEYS; i++) {
      Lease lease = lease();
      if (seen.add(lease.id())) {
        completions.add(completion(lease));
      }
    }
    List<Set<LeaseCheck>> expected =
        completions.stream()
            .map(each -> model.complete(each.lease(), each.outcome(), each.retention()))
            .toList();
    List<LeaseCheck> found = client.completeAll(completions);
    boolean agree = found.size() == expected.size();
    for (int i = 0; agree && i < found.size(); i++) {
      agree = expected.get(i).contains(found.get(i));
    }
    String step = "client " + batches.indexOf(client) + " completes the batch " + completions;
    seed.check(step, found, expected, agree);
  }

  private void purge() {
    if (entries != null) {
      int expected = model.purge();
      int found = entries.purgeExpired(1_000);
      seed.check("purge", found, expected, found == expected);
    }
  }

  /** Ages one key, or all where a store cannot do otherwise, to a moment that leaves no doubt. */
  private void age() {
    Set<RecordId> present = model.present();
    if (present.isEmpty()) {
      return;
    }
    RecordId id = any(List.copyOf(present));
    Set<RecordId> affected = agesTogether ? present : Set.of(id);
    Duration by = any(AGES);
    while (!model.isDecided(affected, by)) {
      by = by.plusSeconds(10);
    }
    model.age(affected, by);
    age.accept(id, by);
    seed.tell((agesTogether ? "all age by " : described(id) + " ages by ") + by);
  }

  private Lease lease() {
    if (leases.isEmpty() || random.nextInt(10) == 0) {
      return new Lease(any(ids), Requests.newToken(), 1);
    }
    // Mostly a late one, which may still be live.
    int back = random.nextInt(random.nextBoolean() ? Math.min(2, leases.size()) : leases.size());
    return leases.get(leases.size() - 1 - back);
  }

  private void keep(Claim claim) {
    if (claim instanceof Claim.Acquired acquired) {
      leases.add(acquired.lease());
    }
  }

  private String described(RecordId id) {
    return "key " + ids.indexOf(id);
  }

  private String described(Lease lease) {
    return described(lease.id()) + " under " + lease.token();
  }

  private String described(IdempotencyStore client, ClaimRequest request) {
    return "client %d claims %s under %s as %s for %s, takeOver=%s"
        .formatted(
            clients.indexOf(client),
            described(request.id()),
            request.token(),
            request.fingerprint(),
            request.leaseFor(),
            request.takeOver());
  }

  private List<RecordId> inAnyOrder(List<RecordId> sorted) {
    List<RecordId> shuffled = new ArrayList<>(sorted);
    Collections.shuffle(shuffled, random);
    return shuffled;
  }

  private <T> T any(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }
}
