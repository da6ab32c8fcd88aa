package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Random histories of two clients, against the contract written down as plainly as possible. */
class StoreModelTest {

  private static final int HISTORIES = 400;
  private static final int STEPS = 300;

  @Test
  void theStoreDoesWhatTheModelDoes() {
    long seed = Long.getLong("idem.seed", new Random().nextLong());
    for (int i = 0; i < HISTORIES; i++) {
      new History(seed + i).play();
    }
  }

  /** What the contract says a record is. Times are in nanoseconds since the history began. */
  private static final class Model {
    long token;
    int attempt;
    Fingerprint fingerprint;
    long leaseEnds;
    StoredOutcome outcome;
    long forgottenAt;
  }

  private static final class History {
    private final long seed;
    private final Random random;
    private final AtomicLong clock;
    private final long began;
    private final InMemoryStore store;
    private final Map<RecordId, Model> models = new HashMap<>();
    private final List<List<Lease>> leases = List.of(new ArrayList<>(), new ArrayList<>());
    private final List<String> story = new ArrayList<>();
    private long tokens;

    History(long seed) {
      this.seed = seed;
      this.random = new Random(seed);
      this.began = random.nextLong();
      this.clock = new AtomicLong(began);
      this.store = new InMemoryStore(100, clock::get);
    }

    void play() {
      for (int i = 0; i < STEPS; i++) {
        int client = random.nextInt(2);
        switch (random.nextInt(8)) {
          case 0, 1, 2 -> claim(client);
          case 3 -> complete(client);
          case 4 -> release(client);
          case 5 -> renew(client);
          case 6 -> age();
          default -> purge();
        }
      }
    }

    private long now() {
      return clock.get() - began;
    }

    private void compare(String step, Object found, Object expected) {
      story.add(step + " -> " + expected);
      assertThat(found)
          .as("Repeat with -Didem.seed=%d; it went%n%s", seed, String.join("\n", story))
          .isEqualTo(expected);
    }

    private void claim(int client) {
      RecordId id = new RecordId(random.nextInt(3), 0);
      Fingerprint fingerprint =
          random.nextInt(4) == 0
              ? Fingerprint.NONE
              : Fingerprint.of(String.valueOf(random.nextInt(2)));
      long token = tokens > 0 && random.nextInt(4) == 0 ? random.nextLong(tokens) : tokens++;
      long leaseFor = random.nextInt(1, 100);
      boolean takeOver = random.nextBoolean();
      ClaimRequest request =
          new ClaimRequest(
              id,
              new RecordLabel("", "op", "", "k"),
              fingerprint,
              new OwnerToken(1, token),
              Duration.ofNanos(leaseFor),
              Duration.ofNanos(50),
              takeOver);
      Claim expected = expectedClaim(id, fingerprint, token, leaseFor, takeOver);
      Claim found = store.claim(request);
      compare("client " + client + " claims " + id + " as " + token, found, expected);
      if (found instanceof Claim.Acquired acquired) {
        leases.get(client).add(acquired.lease());
      }
    }

    private Claim expectedClaim(
        RecordId id, Fingerprint fingerprint, long token, long leaseFor, boolean takeOver) {
      Model model = models.get(id);
      if (model != null && model.outcome != null && model.forgottenAt <= now()) {
        model = null;
      }
      if (model != null && model.outcome != null) {
        return new Claim.Completed(model.fingerprint, model.outcome);
      }
      if (model == null) {
        model = new Model();
        model.attempt = 1;
        model.fingerprint = fingerprint;
        models.put(id, model);
      } else if (model.token != token) {
        if (model.leaseEnds > now()) {
          return new Claim.Running(model.fingerprint, Duration.ofNanos(model.leaseEnds - now()));
        }
        if (!takeOver || !model.fingerprint.matches(fingerprint)) {
          return new Claim.Abandoned(model.fingerprint, model.attempt);
        }
        model.attempt++;
        if (!fingerprint.equals(Fingerprint.NONE)) {
          model.fingerprint = fingerprint;
        }
      }
      model.token = token;
      model.leaseEnds = now() + leaseFor;
      return new Claim.Acquired(new Lease(id, new OwnerToken(1, token), model.attempt));
    }

    private Lease anyLease(int client) {
      List<Lease> own = leases.get(client);
      return own.isEmpty()
          ? new Lease(new RecordId(0, 0), new OwnerToken(2, 0), 1)
          : own.get(random.nextInt(own.size()));
    }

    private Model ownedBy(Lease lease) {
      Model model = models.get(lease.id());
      boolean owned = model != null && lease.token().equals(new OwnerToken(1, model.token));
      return owned ? model : null;
    }

    private void complete(int client) {
      Lease lease = anyLease(client);
      StoredOutcome outcome = StoredOutcome.result(new byte[] {(byte) random.nextInt()});
      long retention = random.nextInt(1, 200);
      Model model = ownedBy(lease);
      if (model != null && model.outcome == null) {
        model.outcome = outcome;
        model.forgottenAt = now() + retention;
      }
      compare(
          "client " + client + " completes " + lease,
          store.complete(lease, outcome, Duration.ofNanos(retention)),
          model == null ? LeaseCheck.LOST : LeaseCheck.HELD);
    }

    private void release(int client) {
      Lease lease = anyLease(client);
      Model model = ownedBy(lease);
      boolean held = model != null && model.outcome == null;
      if (held) {
        models.remove(lease.id());
      }
      compare(
          "client " + client + " releases " + lease,
          store.release(lease),
          held ? LeaseCheck.HELD : LeaseCheck.LOST);
    }

    private void renew(int client) {
      Lease lease = anyLease(client);
      long leaseFor = random.nextInt(0, 100);
      Model model = ownedBy(lease);
      boolean held = model != null && model.outcome == null;
      if (held) {
        model.leaseEnds = now() + leaseFor;
      }
      compare(
          "client " + client + " renews " + lease + " for " + leaseFor,
          store.renew(lease, Duration.ofNanos(leaseFor)),
          held ? LeaseCheck.HELD : LeaseCheck.LOST);
    }

    private void age() {
      clock.addAndGet(random.nextInt(1, 80));
      story.add("now it is " + now());
    }

    private void purge() {
      int purged =
          (int)
              models.values().stream()
                  .filter(model -> model.outcome != null && model.forgottenAt <= now())
                  .count();
      models.values().removeIf(model -> model.outcome != null && model.forgottenAt <= now());
      compare("purge", store.purgeExpired(100), purged);
      compare("size", store.size(), (long) models.size());
    }
  }
}
