package io.idem.core;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A store that does to each verb what the test says, and counts.
 *
 * <p>Where it is asynchronous, what the test says is done on threads of the store's own.
 */
final class ScriptedStore implements IdempotencyStore, ExpiredEntries {

  enum Verb {
    CLAIM,
    COMPLETE,
    RELEASE,
    RENEW,
    PURGE
  }

  /** What happens around one call. */
  @FunctionalInterface
  interface Fault {
    <R> R apply(Supplier<R> real);
  }

  private final InMemoryStore real;
  private final Map<Verb, Fault> faults = new ConcurrentHashMap<>();
  private final Map<Verb, AtomicInteger> calls = new EnumMap<>(Verb.class);
  private final ExecutorService threads = Executors.newCachedThreadPool(ScriptedStore::daemon);
  private final @Nullable AsyncStore async;

  ScriptedStore(InMemoryStore real) {
    this(real, Runner.SYNC);
  }

  ScriptedStore(InMemoryStore real, Runner runner) {
    this.real = real;
    this.async =
        switch (runner) {
          case SYNC, OFFLOADED -> null;
          case ASYNC -> new Async(false);
          case MINIMAL -> new Async(true);
        };
    for (Verb verb : Verb.values()) {
      calls.put(verb, new AtomicInteger());
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "store");
    thread.setDaemon(true);
    return thread;
  }

  static StoreUnavailableException down() {
    return new StoreUnavailableException("The store is down", null);
  }

  /** The store is down before it does anything. */
  static final Fault DOWN =
      new Fault() {
        @Override
        public <R> R apply(Supplier<R> real) {
          throw down();
        }
      };

  /** The store does it, and its answer is lost. */
  static final Fault ANSWER_LOST =
      new Fault() {
        @Override
        public <R> R apply(Supplier<R> real) {
          R unheard = real.get();
          throw new StoreUnavailableException("The answer was lost: " + unheard, null);
        }
      };

  /** Runs something, then does it. */
  static Fault after(Runnable before) {
    return new Fault() {
      @Override
      public <R> R apply(Supplier<R> real) {
        before.run();
        return real.get();
      }
    };
  }

  /** Does it, then runs something before the answer arrives. */
  static Fault before(Runnable after) {
    return new Fault() {
      @Override
      public <R> R apply(Supplier<R> real) {
        R answer = real.get();
        after.run();
        return answer;
      }
    };
  }

  void on(Verb verb, Fault fault) {
    faults.put(verb, fault);
  }

  void heal(Verb... verbs) {
    for (Verb verb : verbs) {
      faults.remove(verb);
    }
  }

  int calls(Verb verb) {
    return calls.get(verb).get();
  }

  private <R> R act(Verb verb, Supplier<R> act) {
    try {
      Fault fault = faults.get(verb);
      return fault == null ? act.get() : fault.apply(act);
    } finally {
      calls.get(verb).incrementAndGet();
    }
  }

  @Override
  public Claim claim(ClaimRequest request) {
    return act(Verb.CLAIM, () -> real.claim(request));
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return act(Verb.COMPLETE, () -> real.complete(lease, outcome, retention));
  }

  @Override
  public LeaseCheck release(Lease lease) {
    return act(Verb.RELEASE, () -> real.release(lease));
  }

  @Override
  public LeaseCheck renew(Lease lease, Duration leaseFor) {
    return act(Verb.RENEW, () -> real.renew(lease, leaseFor));
  }

  @Override
  public int purgeExpired(int limit) {
    return act(Verb.PURGE, () -> real.purgeExpired(limit));
  }

  @Override
  public <C> Optional<C> capability(Class<C> type) {
    return type == AsyncStore.class
        ? Optional.ofNullable(type.cast(async))
        : IdempotencyStore.super.capability(type);
  }

  /** The same verbs, on the store's threads. */
  private final class Async implements AsyncStore {

    private final boolean minimal;

    Async(boolean minimal) {
      this.minimal = minimal;
    }

    private <R> CompletionStage<R> answer(Supplier<R> verb) {
      CompletableFuture<R> answer = CompletableFuture.supplyAsync(verb, threads);
      return minimal ? answer.minimalCompletionStage() : answer;
    }

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      return answer(() -> claim(request));
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      return answer(() -> complete(lease, outcome, retention));
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      return answer(() -> release(lease));
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      return answer(() -> renew(lease, leaseFor));
    }
  }
}
