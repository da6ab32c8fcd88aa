package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.assertj.core.description.TextDescription;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random histories of two nodes on two stores, of single keys and of batches. Each node loses and
 * finds each store on its own, before a call takes effect, after, or in the middle of a batch, and
 * the other node acts between any two keys of any two calls. A failure prints its seed.
 */
class FailoverModelTest {

  private static final int HISTORIES = Integer.getInteger("idem.histories", 3_000);
  private static final int STEPS = 120;
  private static final int KEYS = 2;
  private static final long MILLI = 1_000_000;

  /** Which of the stores fail in a history. */
  enum Failing {
    PRIMARY,
    FALLBACK
  }

  @Test
  void withARequiredFallbackNoViewOfAnyOutageMakesTwoOwners() {
    Seen seen = play(FallbackPolicy.REQUIRED, List.of(Failing.values()));
    assertThat(seen.grantedByOne).as("keys granted by one store alone").isPositive();
    assertThat(seen.leftOut).as("writes that a store was not asked for").isPositive();
  }

  @ParameterizedTest
  @EnumSource
  void withAnOptionalFallbackNoViewOfOneStoresOutageMakesTwoOwners(Failing failing) {
    Seen seen = play(FallbackPolicy.OPTIONAL, List.of(failing));
    assertThat(seen.grantedByOne).as("keys granted by one store alone").isPositive();
    assertThat(seen.leftOut).as("writes that a store was not asked for").isPositive();
  }

  /** What must have happened for the histories to say anything. */
  private record Seen(long grantedByOne, long leftOut) {}

  private static Seen play(FallbackPolicy policy, List<Failing> failing) {
    long seed = Long.getLong("idem.seed", new Random().nextLong());
    long grantedByOne = 0;
    long leftOut = 0;
    for (int i = 0; i < HISTORIES; i++) {
      Seen seen = new History(seed + i, policy, failing).play();
      grantedByOne += seen.grantedByOne;
      leftOut += seen.leftOut;
    }
    return new Seen(grantedByOne, leftOut);
  }

  /** Which of the stores claim many keys in one step. */
  private enum Batched {
    BOTH,
    PRIMARY,
    FALLBACK
  }

  /** A run that a node was granted, as far as its owner can know. */
  private static final class Owner {
    final Lease lease;
    final StoredOutcome outcome;
    final long leaseFor;
    final long retention;
    long liveUntil;
    long firstCompletion = Long.MAX_VALUE;

    /** A completion is under way. */
    boolean completing;

    Owner(Lease lease, ClaimRequest request, long sent) {
      this.lease = lease;
      this.leaseFor = request.leaseFor().toMillis();
      this.retention = request.retention().toMillis();
      this.outcome = StoredOutcome.result(lease.token().toBytes());
      this.liveUntil = sent + leaseFor;
    }

    void completes(long now) {
      firstCompletion = Math.min(firstCompletion, now);
      completing = true;
    }

    /** It is not known to be completed, and tries again. */
    void failed() {
      completing = false;
      liveUntil = Long.MIN_VALUE;
    }

    /**
     * Whether nobody else may have the key. Not while it is being completed for longer than its
     * outcome is kept: that may have expired in the stores before its owner hears that it is there.
     */
    boolean isLive(long now) {
      return liveUntil > now && !(completing && firstCompletion + retention <= now);
    }
  }

  /** What must be true of a key. */
  private static final class Model {
    Owner live;
    StoredOutcome outcome;
    final Set<StoredOutcome> outcomes = new HashSet<>();
    long keptUntil;
    int completedAtStep;
  }

  private static final class Node {
    final FailoverStore store;
    final BatchClaims batches;
    final List<Owner> owners = new ArrayList<>();
    ClaimRequest waiting;

    Node(FailoverStore store) {
      this.store = store;
      this.batches = store.capability(BatchClaims.class).orElseThrow();
    }
  }

  private static final class History {

    private final long seed;
    private final Random random;
    private final List<Failing> failing;
    private final AtomicLong clock = new AtomicLong();
    private final List<Link> links = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<RecordId, Model> models = new HashMap<>();
    private final List<String> story = new ArrayList<>();
    private final FallbackPolicy policy;

    /** How rarely links change: some outages last. */
    private final int steadiness;

    private boolean healed;
    private int depth;
    private long tokens;

    History(long seed, FallbackPolicy policy, List<Failing> failing) {
      this.seed = seed;
      this.random = new Random(seed);
      this.policy = policy;
      this.failing = failing;
      this.steadiness = random.nextInt(1, 8);
      List<Batched> kinds = List.of(Batched.values());
      Batched batches = kinds.get(random.nextInt(kinds.size()));
      InMemoryStore primary = new InMemoryStore(100, clock::get);
      InMemoryStore fallback = new InMemoryStore(100, clock::get);
      for (int i = 0; i < 2; i++) {
        nodes.add(
            new Node(
                new FailoverStore(
                    link(primary, Failing.PRIMARY, i, batches != Batched.FALLBACK),
                    link(fallback, Failing.FALLBACK, i, batches != Batched.PRIMARY),
                    policy,
                    clock::get,
                    Duration.ofMillis(40))));
      }
    }

    private Link link(InMemoryStore store, Failing which, int node, boolean batches) {
      Link link = new Link(store, "node " + node + " to " + which, batches);
      if (failing.contains(which)) {
        links.add(link);
      }
      return link;
    }

    Seen play() {
      for (int i = 0; i < STEPS; i++) {
        step(random.nextInt(2));
      }
      links.forEach(link -> link.fault = Fault.NONE);
      depth = 1; // nobody comes between any more
      nodes.forEach(node -> node.store.purgeExpired(100));
      clock.addAndGet(MILLI * 100); // what was claimed and never heard of has run out
      healed = true;
      tell("all is well again, and settled");
      for (RecordId id : List.copyOf(models.keySet())) {
        claim(nodes.get(0), request(id));
      }
      return new Seen(
          nodes.stream().mapToLong(node -> node.store.grantedByOne()).sum(),
          nodes.stream()
                  .mapToLong(node -> node.store.missedByPrimary() + node.store.missedByFallback())
                  .sum()
              - links.stream().mapToLong(link -> link.failures).sum());
    }

    private long now() {
      return clock.get() / MILLI;
    }

    private void step(int n) {
      Node node = nodes.get(n);
      switch (random.nextInt(15)) {
        case 0, 1, 2 ->
            claim(
                node,
                node.waiting != null && random.nextBoolean()
                    ? node.waiting
                    : request(new RecordId(random.nextInt(KEYS), 0)));
        case 3, 4 -> complete(node);
        case 5 -> release(node);
        case 6, 7 -> renew(node);
        case 8 -> {
          clock.addAndGet(MILLI * random.nextInt(1, 60));
          tell("now it is " + now());
        }
        case 9 -> {
          tell("node " + n + " settles");
          try {
            node.store.purgeExpired(100);
          } catch (StoreUnavailableException e) {
            tell("  in vain");
          }
        }
        case 10, 11 -> claimAll(node);
        case 12 -> completeAll(node);
        default -> {
          if (random.nextInt(steadiness) > 0) {
            return;
          }
          Link link = links.get(random.nextInt(links.size()));
          link.fault = Fault.values()[random.nextInt(Fault.values().length)];
          tell(link.name + ": " + link.fault);
        }
      }
    }

    private ClaimRequest request(RecordId id) {
      return new ClaimRequest(
          id,
          new RecordLabel("", "op", "", "k"),
          Fingerprint.of("same"),
          new OwnerToken(1, tokens++),
          Duration.ofMillis(random.nextInt(20, 100)),
          Duration.ofMillis(random.nextInt(50, 400)),
          random.nextBoolean());
    }

    private Model model(RecordId id) {
      return models.computeIfAbsent(id, any -> new Model());
    }

    private void claim(Node node, ClaimRequest request) {
      long sent = now();
      int began = story.size();
      node.waiting = null;
      Claim claim;
      try {
        claim = node.store.claim(request);
      } catch (StoreUnavailableException e) {
        tell(node, "claim of " + brief(request) + " failed: " + e.getMessage());
        node.waiting = null;
        giveBackUnknown(node, request);
        return;
      }
      claimed(node, request, claim, sent, began);
      // An owner that still waits looks again under the same token; any other answer ends the call.
      node.waiting = claim instanceof Claim.Running ? request : null;
    }

    private void claimAll(Node node) {
      List<ClaimRequest> requests = new ArrayList<>();
      for (int key = 0; key < KEYS; key++) {
        requests.add(random.nextInt(2) * requests.size(), request(new RecordId(key, 0)));
      }
      long sent = now();
      int began = story.size();
      List<Claim> claims;
      try {
        claims = node.batches.claimAll(requests);
      } catch (StoreUnavailableException e) {
        tell(node, "a batch of " + requests.stream().map(History::brief).toList() + " failed");
        requests.forEach(request -> giveBackUnknown(node, request));
        return;
      }
      for (int i = 0; i < requests.size(); i++) {
        claimed(node, requests.get(i), claims.get(i), sent, began);
      }
    }

    /** Holds an answer against what must be true; it may be older than the end of its batch. */
    private void claimed(Node node, ClaimRequest request, Claim claim, long sent, int began) {
      Model model = model(request.id());
      tell(node, "claim of " + brief(request) + " -> " + claim);
      if (claim instanceof Claim.Acquired acquired) {
        Owner owner = new Owner(acquired.lease(), request, sent);
        if (owner.liveUntil <= now()) {
          return; // it took so long that the lease may be another's already: its renewal will tell
        }
        check(
            model.live == null
                || !model.live.isLive(now())
                || model.live.lease.token().equals(owner.lease.token()),
            "two live owners");
        check(model.outcome == null || model.keptUntil <= now(), "a completed key runs again");
        model.live = owner;
        model.outcome = null;
        node.owners.add(owner);
      } else if (claim instanceof Claim.Completed completed
          && model.outcome != null
          && model.completedAtStep < began
          && model.keptUntil > now()) {
        // The fallback may keep an outcome for longer than the primary does.
        check(
            policy == FallbackPolicy.REQUIRED
                ? completed.outcome().equals(model.outcome)
                : model.outcomes.contains(completed.outcome()),
            "another outcome is replayed");
      } else if (policy == FallbackPolicy.REQUIRED || healed) {
        // With an optional fallback, "busy" and "unknown" are true enough until all is settled.
        check(
            model.outcome == null
                || model.keptUntil <= now()
                || model.completedAtStep >= began, // it was under way when the claim was decided
            "a completed key has no outcome");
      }
    }

    /** As the engine does it when it does not know whether a claim was taken. */
    private void giveBackUnknown(Node node, ClaimRequest request) {
      Lease lease = new Lease(request.id(), request.token(), 1);
      try {
        if (request.takeOver()) {
          node.store.renew(lease, Duration.ZERO);
        } else {
          node.store.release(lease);
        }
      } catch (StoreUnavailableException e) {
        tell("  and was not given back");
      }
    }

    /** Takes an owner from its node: nobody acts twice at once. Who is still one is put back. */
    private Owner anyOwner(Node node) {
      return node.owners.isEmpty() ? null : node.owners.remove(random.nextInt(node.owners.size()));
    }

    private void complete(Node node) {
      Owner owner = anyOwner(node);
      if (owner == null) {
        return;
      }
      owner.completes(now());
      LeaseCheck check;
      try {
        check = node.store.complete(owner.lease, owner.outcome, Duration.ofMillis(owner.retention));
      } catch (StoreUnavailableException e) {
        tell(node, "completion of " + owner.lease + " failed"); // to be tried again
        node.owners.add(owner);
        owner.failed();
        return;
      }
      completed(node, owner, check);
    }

    private void completeAll(Node node) {
      Map<RecordId, Owner> owners = new HashMap<>();
      for (Owner owner : List.copyOf(node.owners)) {
        if (owners.putIfAbsent(owner.lease.id(), owner) == null) {
          node.owners.remove(owner);
        }
      }
      List<Owner> all = List.copyOf(owners.values());
      List<Completion> completions = new ArrayList<>();
      for (Owner owner : all) {
        owner.completes(now());
        completions.add(
            new Completion(owner.lease, owner.outcome, Duration.ofMillis(owner.retention)));
      }
      List<LeaseCheck> checks;
      try {
        checks = node.batches.completeAll(completions);
      } catch (StoreUnavailableException e) {
        tell(node, "completion of " + all.stream().map(owner -> owner.lease).toList() + " failed");
        node.owners.addAll(all);
        all.forEach(Owner::failed);
        return;
      }
      for (int i = 0; i < all.size(); i++) {
        completed(node, all.get(i), checks.get(i));
      }
    }

    private void completed(Node node, Owner owner, LeaseCheck check) {
      tell(node, "completion of " + owner.lease + " -> " + check);
      Model model = model(owner.lease.id());
      if (check == LeaseCheck.HELD) {
        // The store that was written to last keeps it for longer, by the time that the call took.
        model.outcomes.add(owner.outcome);
      }
      // What has expired before the end of its batch says nothing any more.
      if (check == LeaseCheck.HELD && owner.firstCompletion + owner.retention > now()) {
        check(
            model.live == null || model.live == owner || !model.live.isLive(now()),
            "completed under another live owner");
        check(
            model.outcome == null
                || model.keptUntil <= now()
                || model.outcome.equals(owner.outcome),
            "completed over another outcome");
        model.outcome = owner.outcome;
        model.keptUntil = owner.firstCompletion + owner.retention;
        model.completedAtStep = story.size();
      }
      owner.liveUntil = Long.MIN_VALUE;
    }

    private void release(Node node) {
      Owner owner = anyOwner(node);
      if (owner == null) {
        return;
      }
      owner.liveUntil = Long.MIN_VALUE;
      try {
        tell(node, "release of " + owner.lease + " -> " + node.store.release(owner.lease));
      } catch (StoreUnavailableException e) {
        tell(node, "release of " + owner.lease + " failed");
      }
    }

    private void renew(Node node) {
      Owner owner = anyOwner(node);
      if (owner == null) {
        return;
      }
      long sent = now();
      LeaseCheck check;
      try {
        check = node.store.renew(owner.lease, Duration.ofMillis(owner.leaseFor));
      } catch (StoreUnavailableException e) {
        tell(node, "renewal of " + owner.lease + " failed");
        node.owners.add(owner);
        return;
      }
      tell(node, "renewal of " + owner.lease + " -> " + check);
      Model model = model(owner.lease.id());
      if (check == LeaseCheck.LOST) {
        owner.liveUntil = Long.MIN_VALUE;
        return;
      }
      node.owners.add(owner);
      if (sent + owner.leaseFor > now() && model.outcome == null) {
        check(
            model.live == null || model.live == owner || !model.live.isLive(now()),
            "revived beside another live owner");
        owner.liveUntil = sent + owner.leaseFor;
        model.live = owner;
      }
    }

    private static String brief(ClaimRequest request) {
      return "key %d, token %d, lease %d, take over %b"
          .formatted(
              request.id().high(),
              request.token().low(),
              request.leaseFor().toMillis(),
              request.takeOver());
    }

    private void tell(Node node, String what) {
      tell("node " + nodes.indexOf(node) + ": " + what);
    }

    private void tell(String what) {
      story.add("  ".repeat(depth) + what);
    }

    private void check(boolean holds, String broken) {
      assertThat(holds)
          .as(
              new TextDescription(
                  "%s. Repeat with -Didem.seed=%d; it went%n%s",
                  broken, seed, String.join("\n", story)))
          .isTrue();
    }

    private enum Fault {
      NONE,
      NOT_ASKED,
      DOWN,
      ANSWER_LOST,
      /** Of a batch some keys are done. */
      MIDDLE
    }

    /** One node's way to one store. */
    private final class Link implements IdempotencyStore, ExpiredEntries {

      private final InMemoryStore store;
      private final String name;
      private final boolean batches;
      private Fault fault = Fault.NONE;
      private long failures;

      Link(InMemoryStore store, String name, boolean batches) {
        this.store = store;
        this.name = name;
        this.batches = batches;
      }

      private <R> R act(Supplier<R> call) {
        return each(List.of(call), Supplier::get).get(0);
      }

      private <T, R> List<R> each(List<T> items, Function<T, R> call) {
        meanwhile();
        if (fault == Fault.NOT_ASKED) {
          failures++;
          throw new StoreNotAskedException(name + " is held back", null);
        }
        List<R> answers = new ArrayList<>();
        for (T item : items) {
          if (fault == Fault.DOWN || (fault == Fault.MIDDLE && random.nextBoolean())) {
            failures++;
            throw new StoreUnavailableException(name + " is down", null);
          }
          answers.add(call.apply(item));
          if (fault == Fault.NONE) {
            meanwhile();
          }
        }
        if (fault == Fault.ANSWER_LOST || fault == Fault.MIDDLE) {
          failures++;
          throw new StoreUnavailableException(name + " lost its answer", null);
        }
        return answers;
      }

      @Override
      public <C> Optional<C> capability(Class<C> type) {
        return type == BatchClaims.class
            ? Optional.<BatchClaims>of(new LinkBatches()).filter(any -> batches).map(type::cast)
            : IdempotencyStore.super.capability(type);
      }

      private final class LinkBatches implements BatchClaims {

        @Override
        public List<Claim> claimAll(List<ClaimRequest> requests) {
          return each(requests, store::claim);
        }

        @Override
        public List<LeaseCheck> completeAll(List<Completion> completions) {
          return each(completions, it -> store.complete(it.lease(), it.outcome(), it.retention()));
        }
      }

      private void meanwhile() {
        if (depth == 0 && random.nextInt(6) == 0) {
          depth++;
          step(random.nextInt(2));
          depth--;
        }
      }

      @Override
      public Claim claim(ClaimRequest request) {
        return act(() -> store.claim(request));
      }

      @Override
      public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
        return act(() -> store.complete(lease, outcome, retention));
      }

      @Override
      public LeaseCheck release(Lease lease) {
        return act(() -> store.release(lease));
      }

      @Override
      public LeaseCheck renew(Lease lease, Duration leaseFor) {
        return act(() -> store.renew(lease, leaseFor));
      }

      @Override
      public int purgeExpired(int limit) {
        return act(() -> store.purgeExpired(limit));
      }
    }
  }
}
