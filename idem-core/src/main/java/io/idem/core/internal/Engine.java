package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.AsyncBody;
import io.idem.core.BatchBody;
import io.idem.core.Body;
import io.idem.core.DecisionListener;
import io.idem.core.Execution;
import io.idem.core.IdempotentRequest;
import io.idem.core.ItemAnswer;
import io.idem.core.Mode;
import io.idem.core.ResultCodecFactory;
import io.idem.core.StoreDownPolicy;
import io.idem.core.store.AnswerCache;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Batch;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.TransactionalStore;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What every operation of one engine shares, and the way of a request through it.
 *
 * <ol>
 *   <li>The scoped key becomes a record id.
 *   <li>Requests of one key meet here first: one leads and speaks with the store, the others follow
 *       its {@link Flight} and hold nothing while they wait.
 *   <li>The leader is carried by the {@link Protocol} of the operation's mode. If its outcome is
 *       durable, it is the followers' answer too; if not, the next of them leads.
 * </ol>
 */
public final class Engine {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  /** A follower that may not wait still waits this long for the store's answers to its leaders. */
  static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long closing waits, when its time is up, for calls to the store that are under way. */
  private static final long LAST_CALLS_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final String namespace;
  private final @Nullable TransactionalStore transactionalStore;
  private final Duration shutdownWithin;
  private final ConcurrentHashMap<RecordId, Flight> flights = new ConcurrentHashMap<>();
  private final KeySpaces keySpaces = new KeySpaces();
  private final Waiters waiters;
  private final Answers answers;
  private final CachedAnswers cache;
  private final @Nullable LeasedProtocol leased;
  private final TransactionalProtocol transactional;
  private final Batches batches;
  private final TransactionalBatch transactionalBatch;
  private final @Nullable LeasedBatch leasedBatch;
  private final @Nullable AsyncRequests asyncRequests;
  private final @Nullable LeaseKeeper keeper;
  private final @Nullable PendingWrites pending;
  private final ScheduledThreadPoolExecutor timer;
  private final ScheduledThreadPoolExecutor background;
  private final ThreadPoolExecutor renewals;
  private final ScheduledThreadPoolExecutor purger;
  private final ScheduledThreadPoolExecutor async;
  private final ThreadPoolExecutor answered;
  private final ThreadPoolExecutor ended;
  private final ThreadPoolExecutor blocking;
  private final ThreadPoolExecutor endings;
  private final Purges purges;
  private final LongAdder entered = new LongAdder();
  private final LongAdder left = new LongAdder();
  private final long tokenHigh = new SecureRandom().nextLong();
  private final AtomicLong tokenLow = new AtomicLong(new SecureRandom().nextLong());
  private volatile boolean closed;

  /** Assembles an engine; {@code Idempotency.builder()} documents the parameters. */
  public Engine(
      String namespace,
      @Nullable IdempotencyStore store,
      @Nullable TransactionalStore transactionalStore,
      List<DecisionListener> listeners,
      ResultCodecFactory codecs,
      @Nullable AnswerCache answerCache,
      int maxWaiters,
      int blockingThreads,
      Duration purgeEvery,
      Duration shutdownWithin) {
    this.namespace = namespace;
    this.transactionalStore = transactionalStore;
    this.shutdownWithin = shutdownWithin;
    this.waiters = new Waiters(maxWaiters);
    Events events = new Events(listeners);
    this.answers = new Answers(events);
    this.cache = new CachedAnswers(answerCache);
    this.transactional = new TransactionalProtocol(answers, cache, events, namespace);
    this.batches = new Batches(flights, this::follow, answers, events);
    this.transactionalBatch = new TransactionalBatch(answers, events, namespace);
    // Threads start with the first task, so an engine that never needs them has none.
    this.timer = scheduler("idem-timer", 1);
    this.background = scheduler("idem-background", 2);
    this.purger = scheduler("idem-purge", 1);
    this.renewals = pool("idem-renewal", 4);
    int processors = Math.max(2, Runtime.getRuntime().availableProcessors());
    this.async = scheduler("idem-async", processors);
    this.async.setExecuteExistingDelayedTasksAfterShutdownPolicy(true); // or waits had no end
    this.answered = pool("idem-answered", processors);
    this.ended = pool("idem-ended", processors);
    this.blocking = pool("idem-blocking", blockingThreads);
    this.endings = pool("idem-ending", blockingThreads);
    if (store == null) {
      this.keeper = null;
      this.pending = null;
      this.leased = null;
      this.leasedBatch = null;
      this.asyncRequests = null;
    } else {
      this.keeper = new LeaseKeeper(store, events, timer, renewals);
      this.pending = new PendingWrites(background, keeper, events);
      this.leased =
          new LeasedProtocol(
              store,
              keeper,
              pending,
              waiters,
              answers,
              cache,
              events,
              new StepRuns(
                  new StepJournals(
                      store, keeper, pending, background, events, namespace, this::newToken),
                  keeper,
                  events,
                  codecs,
                  namespace,
                  this::newToken,
                  this::carryStep),
              namespace);
      this.leasedBatch =
          new LeasedBatch(store, leased, keeper, pending, answers, events, namespace);
      BlockingCalls blockingCalls = new BlockingCalls(blocking, endings, maxWaiters);
      this.asyncRequests =
          new AsyncRequests(
              flights,
              waiters,
              answers,
              new AsyncLeasedProtocol(
                  new HandedOverStore(
                      Capabilities.of(store, AsyncStore.class)
                          .orElseGet(() -> new OffloadedStore(store, blockingCalls)),
                      answered,
                      ended),
                  Capabilities.of(store, CompletionSignal.class).orElse(null),
                  leased,
                  keeper,
                  waiters,
                  answers,
                  events,
                  blockingCalls,
                  answered,
                  ended,
                  async),
              async);
    }
    this.purges = new Purges(purger, events, purgeEvery, () -> closed);
    purges.add(store);
    purges.add(transactionalStore);
  }

  /** The mode an operation gets, or a refusal that names the fix. */
  public Mode modeOf(String operation, @Nullable Mode wanted, @Nullable TransactionalStore own) {
    boolean canJoin = own != null || transactionalStore != null;
    if (wanted == Mode.TRANSACTIONAL && !canJoin) {
      throw new IllegalStateException(
          "Operation '"
              + operation
              + "' is to be transactional, but the engine has no transactional store: give it one"
              + " on the database of the effect, or choose Mode.LEASED");
    }
    if (wanted == Mode.LEASED && leased == null) {
      throw new IllegalStateException(
          "Operation '"
              + operation
              + "' is to be leased, but the engine has no store for leases: set store(…), or choose"
              + " Mode.TRANSACTIONAL");
    }
    return wanted != null ? wanted : canJoin ? Mode.TRANSACTIONAL : Mode.LEASED;
  }

  /** The transactional store of an operation: its own, or the engine's. */
  public @Nullable TransactionalStore transactionalStoreFor(@Nullable TransactionalStore own) {
    return own != null ? own : transactionalStore;
  }

  /** Checks the settings of an operation against each other, and makes ready for it. */
  public <T extends @Nullable Object> OperationSpec<T> prepare(OperationSpec<T> spec) {
    refuseIfClosed();
    if (spec.mode() == Mode.TRANSACTIONAL && spec.storeDown() == StoreDownPolicy.FAIL_OPEN) {
      throw new IllegalStateException(
          "Operation '"
              + spec.name()
              + "' is transactional and cannot fail open: without its database the effect cannot"
              + " happen either. Leave onStoreDown at FAIL_CLOSED, or choose Mode.LEASED");
    }
    keySpaces.enter(spec);
    if (spec.mode() == Mode.LEASED && keeper != null) {
      keeper.accommodate(spec.leaseFor());
    }
    if (spec.mode() == Mode.TRANSACTIONAL) {
      purges.add(spec.transactionalStore());
    }
    return spec;
  }

  /** Carries one request; {@code Operation.execute} documents it. */
  public <T extends @Nullable Object, X extends Throwable> Execution<T> execute(
      OperationSpec<T> spec, IdempotentRequest request, Body<T, X> body) throws X {
    Call<T, X> call = call(spec, request, body);
    Protocol protocol = spec.mode() == Mode.LEASED && leased != null ? leased : transactional;
    entered.increment();
    try {
      refuseIfClosed();
      Claim.Completed cached = cache.find(call);
      if (cached != null) {
        return answers.fromStored(call, cached);
      }
      return carry(call, protocol);
    } finally {
      left.increment();
    }
  }

  /** Leads the requests of a key on this node, or follows who does. */
  private <T extends @Nullable Object, X extends Throwable> Execution<T> carry(
      Call<T, X> call, Protocol protocol) throws X {
    while (true) {
      Flight flight = Flight.ofThisThread();
      Flight leading = flights.putIfAbsent(call.id(), flight);
      if (leading == null) {
        try {
          return protocol.lead(call, flight);
        } finally {
          flights.remove(call.id(), flight);
          flight.end();
        }
      }
      Execution<T> answer = follow(call, leading);
      if (answer != null) {
        return answer;
      }
      if (call.hasWaited()) {
        return answers.busy(call); // and does not ask the store what its leader just asked
      }
    }
  }

  /** Carries a step of a leased run. */
  private <T extends @Nullable Object, X extends Throwable> Execution<T> carryStep(Call<T, X> call)
      throws X {
    return carry(call, Objects.requireNonNull(leased));
  }

  private OwnerToken newToken() {
    return new OwnerToken(tokenHigh, tokenLow.getAndIncrement());
  }

  /** Carries one request without holding a thread; {@code Operation.executeAsync} documents it. */
  public <T extends @Nullable Object> CompletionStage<Execution<T>> executeAsync(
      OperationSpec<T> spec, IdempotentRequest request, AsyncBody<T> body) {
    if (spec.mode() != Mode.LEASED || asyncRequests == null) {
      throw new IllegalStateException(
          "Operation '"
              + spec.name()
              + "' is transactional and cannot run asynchronously: a transaction belongs to the"
              + " thread that began it. Choose Mode.LEASED, or call execute on a thread that may"
              + " block");
    }
    AsyncRequests requests = asyncRequests;
    Call<T, RuntimeException> call = call(spec, request, noBody());
    // The caller's own: whatever becomes of it, nothing here depends on it.
    CompletableFuture<Execution<T>> answer = new CompletableFuture<>();
    entered.increment();
    var unused =
        Stages.started(
                () -> {
                  refuseIfClosed();
                  Claim.Completed cached = cache.find(call);
                  return cached != null
                      ? CompletableFuture.completedFuture(answers.fromStored(call, cached))
                      : requests.execute(call, body);
                })
            .whenComplete(
                (known, failure) -> {
                  left.increment();
                  if (failure == null) {
                    answer.complete(known);
                  } else {
                    answer.completeExceptionally(Stages.cause(failure));
                  }
                });
    return answer;
  }

  /** Carries many requests at once; {@code Operation.executeAll} documents it. */
  public <T extends @Nullable Object, X extends Throwable> List<ItemAnswer<T>> executeAll(
      OperationSpec<T> spec, List<IdempotentRequest> requests, BatchBody<T, X> body) throws X {
    Batch.requireBounded(requests.size());
    List<Call<T, X>> calls =
        requests.stream().map(request -> this.<T, X>call(spec, request, noBody())).toList();
    BatchProtocol protocol =
        spec.mode() == Mode.LEASED && leasedBatch != null ? leasedBatch : transactionalBatch;
    entered.increment();
    try {
      refuseIfClosed();
      return batches.execute(spec, calls, protocol, body);
    } finally {
      left.increment();
    }
  }

  /** Stands for a body that is another's or asynchronous, and is never run by a call. */
  private static <T extends @Nullable Object, X extends Throwable> Body<T, X> noBody() {
    return attempt -> {
      throw new IllegalStateException("This request's body is not its own, or asynchronous");
    };
  }

  private <T extends @Nullable Object, X extends Throwable> Call<T, X> call(
      OperationSpec<T> spec, IdempotentRequest request, Body<T, X> body) {
    long now = System.nanoTime();
    String keySpace = spec.keySpace();
    ClaimRequest claim =
        new ClaimRequest(
            keySpace == null
                ? Keys.id(namespace, spec.name(), request)
                : Keys.sharedId(namespace, keySpace, request),
            new RecordLabel(namespace, spec.name(), request.source(), request.key()),
            keySpace == null ? request.fingerprint() : Keys.sharedFingerprint(spec.name(), request),
            newToken(),
            spec.leaseFor(),
            spec.retention(),
            spec.abandoned() instanceof AbandonedPolicy.Retry);
    return new Call<>(spec, request, body, claim, now, now + Durations.nanos(spec.waitAtMost()));
  }

  /** Waits for the leader. Null says that the caller has to try to lead. */
  private <T extends @Nullable Object> @Nullable Execution<T> follow(
      Call<T, ?> call, Flight leading) {
    if (leading.isLedByThisThread()) {
      return answers.within(call, leading.ownerSoFar());
    }
    if (!waiters.tryEnter()) {
      return answers.busy(call);
    }
    try {
      Fingerprint owner = leading.awaitOwner(call.remainingNanos(LOOK_NANOS));
      if (owner == null) {
        return answers.busy(call);
      }
      if (!owner.matches(call.fingerprint())) {
        return answers.keyReused(call);
      }
      if (!leading.awaitEnd(call.remainingNanos())) {
        return answers.busy(call);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return answers.busy(call);
    } finally {
      waiters.leave();
    }
    Claim.Completed outcome = leading.outcome();
    return outcome == null ? null : answers.fromStored(call, outcome);
  }

  private void refuseIfClosed() {
    if (closed) {
      throw new IllegalStateException("The engine is closed");
    }
  }

  /** Lets what runs come to its end, within the bound, then ends the threads. */
  public void close() {
    long deadline = System.nanoTime() + Durations.nanos(shutdownWithin);
    awaitIdle(deadline);
    closed = true;
    awaitIdle(deadline); // for those that came in before they could be refused
    returnClaims(deadline);
    if (isBusy()) {
      log.warn(
          "The engine closes while operations still run or wait to be recorded: their keys are"
              + " abandoned when their leases run out");
    }
    // Nothing is interrupted: a driver that is interrupted in the middle may break its connection.
    List<ExecutorService> executors = new ArrayList<>(List.of(timer, background, renewals, purger));
    if (!isBusy()) {
      executors.add(async);
      executors.add(blocking);
      executors.add(endings);
      executors.add(answered);
      executors.add(ended);
    }
    executors.forEach(ExecutorService::shutdown);
    // A run that ends later is still recorded, and one that waits is still answered.
    async.shutdown();
    long end = Math.max(deadline - System.nanoTime(), LAST_CALLS_NANOS) + System.nanoTime();
    try {
      for (ExecutorService executor : executors) {
        executor.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void awaitIdle(long deadline) {
    await(this::isBusy, deadline);
  }

  /**
   * Gives a store that is back a moment to take back claims whose answers were lost. It is not
   * waited for while it is down: nothing has run under those claims, and likely none was taken.
   */
  private void returnClaims(long deadline) {
    if (pending == null || pending.precautions() == 0) {
      return;
    }
    long moment = System.nanoTime() + LAST_CALLS_NANOS;
    await(() -> pending.precautions() > 0, moment - deadline < 0 ? moment : deadline);
    int left = pending.precautions();
    if (left > 0) {
      log.info(
          "The engine closes while {} failed claims could not be taken back; the keys of those that"
              + " the store took all the same are abandoned when their leases run out",
          left);
    }
  }

  private static void await(BooleanSupplier goesOn, long deadline) {
    while (goesOn.getAsBoolean()
        && System.nanoTime() - deadline < 0
        && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  private boolean isBusy() {
    // Left first: a request that comes in between the two reads can only make the engine look busy.
    long gone = left.sum();
    return entered.sum() != gone || (pending != null && !pending.isSettled());
  }

  /** Takes everything; the threads end when there is nothing to do. */
  private static ThreadPoolExecutor pool(String name, int threads) {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            threads, threads, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), daemons(name));
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }

  private static ScheduledThreadPoolExecutor scheduler(String name, int threads) {
    ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(threads, daemons(name));
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    return executor;
  }

  private static ThreadFactory daemons(String name) {
    AtomicLong number = new AtomicLong(1);
    // Of whoever made the engine, and nothing of the caller for whom a thread happens to be made:
    // bodies and recovery hooks of others run on it later.
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    return task -> {
      Thread thread = new Thread(null, task, name + "-" + number.getAndIncrement(), 0, false);
      thread.setContextClassLoader(loader);
      thread.setDaemon(true);
      return thread;
    };
  }
}
