package io.idem.core;

import io.idem.core.internal.Durations;
import io.idem.core.internal.Engine;
import io.idem.core.internal.OperationSpec;
import io.idem.core.internal.Unicode;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A named kind of work that takes effect once for each key.
 *
 * <p>Made by {@link Idempotency#operation(String, Class)}, used for the life of the application.
 * Immutable and thread-safe.
 *
 * @param <T> the type of its result
 */
public final class Operation<T extends @Nullable Object> {

  private final Engine engine;
  private final OperationSpec<T> spec;

  private Operation(Engine engine, OperationSpec<T> spec) {
    this.engine = engine;
    this.spec = spec;
  }

  /**
   * The operation's name, a part of every key's identity.
   *
   * @return the name
   */
  public String name() {
    return spec.name();
  }

  /**
   * The key space that the operation shares with others.
   *
   * @return its name, or null if the operation's keys are its own
   */
  public @Nullable String keySpace() {
    return spec.keySpace();
  }

  /**
   * Where records are written.
   *
   * @return the mode
   */
  public Mode mode() {
    return spec.mode();
  }

  /**
   * How long an outcome is kept after completion.
   *
   * @return the retention
   */
  public Duration retention() {
    return spec.retention();
  }

  /**
   * When a request that finds its key busy is told to ask again.
   *
   * @return what {@link Execution.Busy} suggests
   */
  public Duration retryAfter() {
    return spec.retryAfter();
  }

  /**
   * Whether a failure is of a kind that the operation records, so that every repeat meets it again.
   *
   * @param failure what was thrown
   * @return true if one of {@link Builder#recordFailure} covers it
   */
  public boolean records(Throwable failure) {
    return spec.recordedFailures().stream().anyMatch(mapping -> mapping.type().isInstance(failure));
  }

  /**
   * Runs the work unless it was done under this key before.
   *
   * @param key the idempotency key
   * @param work what must take effect once
   * @param <X> what the work throws
   * @return the answer
   * @throws X what the work threw in this call, or a recorded failure of an earlier run
   * @throws IllegalStateException if the engine is closed, or a success was returned although its
   *     transaction can only be rolled back
   * @throws ResultCodecException if the result cannot be encoded (nothing happened) or a stored one
   *     not decoded (it happened before)
   * @throws io.idem.core.store.CommitRefusedException if the database does not commit what the work
   *     wrote (nothing happened)
   * @throws io.idem.core.store.StoreUnavailableException if the store cannot answer; the work did
   *     not run, or its transaction failed to commit
   */
  public <X extends Throwable> Execution<T> execute(String key, Work<T, X> work) throws X {
    Objects.requireNonNull(work, "work");
    return execute(IdempotentRequest.of(key), attempt -> work.run());
  }

  /**
   * Runs the body unless it was done under this request's key before.
   *
   * @param request who asks, under which key, for what
   * @param body what must take effect once
   * @param <X> what the body throws
   * @return the answer
   * @throws X what the body threw in this call, or a recorded failure of an earlier run
   * @throws IllegalStateException if the engine is closed, or a success was returned although its
   *     transaction can only be rolled back
   * @throws ResultCodecException if the result cannot be encoded (nothing happened) or a stored one
   *     not decoded (it happened before)
   * @throws io.idem.core.store.CommitRefusedException if the database does not commit what the body
   *     wrote (nothing happened)
   * @throws io.idem.core.store.StoreUnavailableException if the store cannot answer; the body did
   *     not run, or its transaction failed to commit
   */
  public <X extends Throwable> Execution<T> execute(IdempotentRequest request, Body<T, X> body)
      throws X {
    Objects.requireNonNull(body, "body");
    return engine.execute(spec, request, body);
  }

  /**
   * Starts the body unless it was done under this request's key before. No thread waits: neither
   * for the store, nor for the body, nor for another request of the key. Leased operations only.
   *
   * <ul>
   *   <li>The body is started by the caller's thread, where the store answers at once, or by one of
   *       a few of the engine's. The answer is completed by one of these as well, or by the thread
   *       that ended the body; never by a thread of the store's client. The engine's must not be
   *       held up: to do what blocks, the body hands it to threads of its own.
   *   <li>Requests of one key meet, whether they are asynchronous or not. A body that asks for its
   *       own key again, and waits for the answer, is told {@link Execution.Busy} when the wait
   *       bound has passed.
   *   <li>The answer belongs to the caller: to cancel or to complete it stops nothing.
   *   <li>A store that can be asked only by a blocked thread is asked on {@link
   *       Idempotency.Builder#blockingThreads(int) threads for that}.
   * </ul>
   *
   * @param request who asks, under which key, for what
   * @param body what must take effect once
   * @return ends with the answer, or exceptionally with what {@link #execute(IdempotentRequest,
   *     Body)} throws, not wrapped: what ended the body's stage in this call, a recorded failure of
   *     an earlier run, {@link io.idem.core.store.StoreUnavailableException}, {@link
   *     ResultCodecException}, or {@link IllegalStateException} if the engine is closed
   * @throws IllegalStateException if the operation is transactional
   */
  public CompletionStage<Execution<T>> executeAsync(IdempotentRequest request, AsyncBody<T> body) {
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(body, "body");
    return engine.executeAsync(spec, request, body);
  }

  /**
   * Runs the body once for those of the requests that were not done before, such as the messages of
   * one poll. In transactional mode they share one transaction, and where nobody else is in the
   * middle of one of the keys the store is asked once for all of them.
   *
   * <ul>
   *   <li>A key that appears again in the list is answered as a repeat of its first appearance.
   *   <li>A key that somebody else is in the middle of is {@link Execution.Busy} once the wait
   *       bound of the whole batch has passed, and the others run. A leased batch waits only for
   *       requests of this node.
   *   <li>What the body throws is the failure of all. In transactional mode everything is rolled
   *       back, and nothing is recorded. In leased mode all keys are released if the operation says
   *       so of this failure, else all are abandoned. Only where the body can say which requests
   *       were done before ({@link BatchBody#progress}), these are recorded, and it is the failure
   *       of the others.
   *   <li>A result that its operation classifies as {@link Disposition#RELEASE} or {@link
   *       Disposition#UNKNOWN} rolls back the whole batch in transactional mode.
   *   <li>An abandoned key is run again where the operation says so; it is never recovered by a
   *       hook here, but answered {@link Execution.Unresolved}.
   * </ul>
   *
   * @param requests who asks, under which key, for what; at most {@value
   *     io.idem.core.store.Batch#MOST}
   * @param body what must take effect once for each; not called if all of them are repeats
   * @param <X> what the body throws
   * @return an answer for each request, in their order
   * @throws X what the body threw, if it is the failure of all
   * @throws IllegalArgumentException if there are more requests than a batch may have
   * @throws IllegalStateException if the engine is closed, the body returned another number of
   *     results, or it returned although its transaction can only be rolled back
   * @throws ResultCodecException if a result cannot be encoded in transactional mode (nothing
   *     happened)
   * @throws io.idem.core.store.CommitRefusedException if the database does not commit what the body
   *     wrote (nothing happened)
   * @throws io.idem.core.store.StoreUnavailableException if the store cannot answer; the body did
   *     not run, or its transaction failed to commit
   */
  public <X extends Throwable> List<ItemAnswer<T>> executeAll(
      List<IdempotentRequest> requests, BatchBody<T, X> body) throws X {
    Objects.requireNonNull(body, "body");
    return engine.executeAll(spec, List.copyOf(requests), body);
  }

  /**
   * Collects the settings of an operation. Every setting has a default. Durations of more than a
   * hundred years count as a hundred years. Not thread-safe.
   *
   * @param <T> the type of the operation's result
   */
  public static final class Builder<T extends @Nullable Object> {

    private final Engine engine;
    private final String name;
    private final ResultCodec<T> codec;
    private final List<FailureMapping<?>> recordedFailures = new ArrayList<>();
    private final List<Class<? extends Throwable>> releasingFailures = new ArrayList<>();
    private @Nullable String keySpace;
    private @Nullable Mode mode;
    private @Nullable TransactionalStore transactionalStore;
    private Duration retention = Duration.ZERO; // the engine sets its own defaults at once
    private Duration leaseFor = Duration.ZERO;
    private Duration waitAtMost = Duration.ZERO;
    private Duration retryAfter = Duration.ofSeconds(1);
    private int maxResultBytes = 1 << 20;
    private Disposition otherFailures = Disposition.UNKNOWN;
    private Function<? super T, Disposition> results = result -> Disposition.RECORD;
    private AbandonedPolicy<T> abandoned = new AbandonedPolicy.Refuse<>();
    private StoreDownPolicy storeDown = StoreDownPolicy.FAIL_CLOSED;

    Builder(Engine engine, String name, ResultCodec<T> codec) {
      requireName("name of an operation", name);
      this.engine = engine;
      this.name = name;
      this.codec = codec;
    }

    /**
     * Shares one space of keys with other operations: a key that was used with one of them is
     * {@link Execution.KeyReused} at every other. By default one key is another at each operation.
     *
     * <p>The name of a space is nobody's else: an operation of the same name is not in it. All
     * operations of a space have one mode and keep their records in one place. A record is kept for
     * the retention of the operation that made it. In a space, a request without a fingerprint is
     * told from one that has one.
     *
     * @param keySpace 1 to 200 characters, a part of every key's identity in place of the
     *     operation's name; null, as by default, for none
     * @return this
     * @throws IllegalArgumentException if the name is empty, too long or not valid Unicode
     */
    public Builder<T> keySpace(@Nullable String keySpace) {
      if (keySpace != null) {
        requireName("name of a key space", keySpace);
      }
      this.keySpace = keySpace;
      return this;
    }

    /**
     * Forces a mode. By default it is transactional where the engine has a transactional store,
     * else leased.
     *
     * @param mode the mode
     * @return this
     */
    public Builder<T> mode(Mode mode) {
      this.mode = mode;
      return this;
    }

    /**
     * Forces transactional mode on a store of this operation's own, for example one with another
     * isolation level.
     *
     * @param store the store
     * @return this
     */
    public Builder<T> transactional(TransactionalStore store) {
      this.mode = Mode.TRANSACTIONAL;
      this.transactionalStore = store;
      return this;
    }

    /**
     * How long an outcome is kept after completion. It has to outlast the callers' longest retry.
     *
     * @param retention at least one millisecond; the engine's by default
     * @return this
     */
    public Builder<T> retention(Duration retention) {
      this.retention = requireRetention(retention);
      return this;
    }

    /**
     * How long a claim holds without renewal, in leased mode. It is renewed while the body runs, so
     * this is the time a crashed owner's key stays locked.
     *
     * @param leaseFor at least 100 milliseconds; the engine's by default
     * @return this
     */
    public Builder<T> lease(Duration leaseFor) {
      this.leaseFor = requireLease(leaseFor);
      return this;
    }

    /**
     * How long a repeat waits for the running request before it is told {@link Execution.Busy}.
     *
     * @param waitAtMost zero not to wait; the engine's by default
     * @return this
     */
    public Builder<T> waitAtMost(Duration waitAtMost) {
      this.waitAtMost = requireWait(waitAtMost);
      return this;
    }

    /**
     * What {@link Execution.Busy} suggests.
     *
     * @param retryAfter when to ask again; 1 second by default
     * @return this
     */
    public Builder<T> retryAfter(Duration retryAfter) {
      this.retryAfter = atLeastOneMilli("retry-after", retryAfter);
      return this;
    }

    /**
     * The most bytes a stored result may have. The caller of a larger one gets it; repeats are told
     * {@link Execution.ResultNotStored}.
     *
     * @param maxResultBytes at least 0; 1 MiB by default
     * @return this
     */
    public Builder<T> maxResultBytes(int maxResultBytes) {
      if (maxResultBytes < 0) {
        throw new IllegalArgumentException(
            "The size of a result is not negative, found " + maxResultBytes);
      }
      this.maxResultBytes = maxResultBytes;
      return this;
    }

    /**
     * Stores failures of this type, so that every repeat meets them alike. In transactional mode
     * the business change is rolled back all the same.
     *
     * @param mapping how the failure is stored and thrown again
     * @return this
     */
    public Builder<T> recordFailure(FailureMapping<?> mapping) {
      recordedFailures.add(mapping);
      return this;
    }

    /**
     * Frees the key when the body throws this type, which promises that nothing happened.
     *
     * @param type the exceptions, subclasses included
     * @return this
     */
    public Builder<T> releaseOn(Class<? extends Throwable> type) {
      releasingFailures.add(type);
      return this;
    }

    /**
     * What becomes of the key after any other failure, in leased mode. In transactional mode the
     * rollback frees it.
     *
     * @param disposition {@link Disposition#UNKNOWN} by default; {@link Disposition#RELEASE} for
     *     bodies whose failures never leave an effect behind
     * @return this
     * @throws IllegalArgumentException for a disposition that records, which needs {@link
     *     #recordFailure}
     */
    public Builder<T> onOtherFailure(Disposition disposition) {
      if (disposition == Disposition.RECORD || disposition == Disposition.RECORD_REJECTION) {
        throw new IllegalArgumentException(
            "A failure is recorded through recordFailure, which says how to throw it again");
      }
      this.otherFailures = disposition;
      return this;
    }

    /**
     * Decides about results, for operations whose results can tell of failure.
     *
     * @param results asked once for each run, on the caller's thread, or on the one that ended an
     *     asynchronous run; what it throws counts as {@link Disposition#UNKNOWN}
     * @return this
     */
    public Builder<T> onResult(Function<? super T, Disposition> results) {
      this.results = results;
      return this;
    }

    /**
     * What happens to a request that meets an abandoned key, in leased mode.
     *
     * @param policy {@link AbandonedPolicy.Refuse} by default
     * @return this
     */
    public Builder<T> onAbandoned(AbandonedPolicy<T> policy) {
      this.abandoned = policy;
      return this;
    }

    /**
     * What happens when the store cannot answer a claim.
     *
     * @param policy {@link StoreDownPolicy#FAIL_CLOSED} by default
     * @return this
     */
    public Builder<T> onStoreDown(StoreDownPolicy policy) {
      this.storeDown = policy;
      return this;
    }

    /**
     * Makes the operation.
     *
     * @return the operation
     * @throws IllegalStateException if the settings contradict each other or what the engine has;
     *     the message names the fix
     */
    public Operation<T> build() {
      return new Operation<>(
          engine,
          engine.prepare(
              new OperationSpec<>(
                  name,
                  keySpace,
                  codec,
                  engine.modeOf(name, mode, transactionalStore),
                  engine.transactionalStoreFor(transactionalStore),
                  retention,
                  leaseFor,
                  waitAtMost,
                  retryAfter,
                  maxResultBytes,
                  List.copyOf(recordedFailures),
                  List.copyOf(releasingFailures),
                  otherFailures,
                  results,
                  abandoned,
                  storeDown,
                  null)));
    }

    private static void requireName(String what, String name) {
      if (name.isEmpty() || name.length() > 200) {
        throw new IllegalArgumentException(
            "The " + what + " has 1 to 200 characters, found " + name.length());
      }
      Unicode.requireWellFormed(what, name);
    }

    static Duration requireRetention(Duration retention) {
      return atLeastOneMilli("retention", retention);
    }

    static Duration requireLease(Duration lease) {
      if (lease.compareTo(Duration.ofMillis(100)) < 0) {
        throw new IllegalArgumentException("A lease is at least 100 ms, found " + lease);
      }
      return Durations.bounded(lease);
    }

    static Duration requireWait(Duration waitAtMost) {
      if (waitAtMost.isNegative()) {
        throw new IllegalArgumentException("A wait bound is not negative, found " + waitAtMost);
      }
      return Durations.bounded(waitAtMost);
    }

    private static Duration atLeastOneMilli(String what, Duration value) {
      if (value.compareTo(Duration.ofMillis(1)) < 0) {
        throw new IllegalArgumentException("The " + what + " is at least 1 ms, found " + value);
      }
      return Durations.bounded(value);
    }
  }
}
