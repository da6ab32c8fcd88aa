package io.idem.core;

import io.idem.core.internal.Engine;
import io.idem.core.internal.Unicode;
import io.idem.core.store.AnswerCache;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.TransactionalStore;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The engine of an application: its stores, and the operations made on them.
 *
 * <p>One for an application and namespace. Thread-safe. {@link #close()} lets running operations
 * finish.
 */
public final class Idempotency implements AutoCloseable {

  private final Engine engine;
  private final ResultCodecFactory codecs;
  private final Duration retention;
  private final Duration lease;
  private final Duration waitAtMost;

  private Idempotency(Engine engine, Builder settings) {
    this.engine = engine;
    this.codecs = settings.codecs;
    this.retention = settings.retention;
    this.lease = settings.lease;
    this.waitAtMost = settings.waitAtMost;
  }

  /**
   * An engine that keeps its records in this process and loses them with it.
   *
   * @return the engine
   */
  public static Idempotency inMemory() {
    return builder().store(new InMemoryStore()).build();
  }

  /**
   * Starts the settings of an engine.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts an operation without a result.
   *
   * @param name the operation's name, a part of every key's identity; 1 to 200 characters
   * @return a builder
   */
  public Operation.Builder<@Nullable Void> operation(String name) {
    return operation(name, ResultCodec.none());
  }

  /**
   * Starts an operation whose results are stored by the engine's codecs.
   *
   * @param name the operation's name, a part of every key's identity; 1 to 200 characters
   * @param resultType the type of its results
   * @param <T> the type of its results
   * @return a builder
   * @throws IllegalArgumentException if there is no codec for the type
   */
  @SuppressWarnings("unchecked") // a factory answers with a codec for exactly the type asked for
  public <T> Operation.Builder<T> operation(String name, Class<T> resultType) {
    return (Operation.Builder<T>) operation(name, (Type) resultType);
  }

  /**
   * Starts an operation whose results are stored by the engine's codecs, for generic types.
   *
   * @param name the operation's name, a part of every key's identity; 1 to 200 characters
   * @param resultType the declared type of its results
   * @return a builder
   * @throws IllegalArgumentException if there is no codec for the type
   */
  public Operation.Builder<?> operation(String name, Type resultType) {
    return operation(name, codecs.codecFor(resultType));
  }

  /**
   * Starts an operation with a codec of its own.
   *
   * @param name the operation's name, a part of every key's identity; 1 to 200 characters
   * @param codec how its results are stored
   * @param <T> the type of its results
   * @return a builder
   */
  public <T extends @Nullable Object> Operation.Builder<T> operation(
      String name, ResultCodec<T> codec) {
    return new Operation.Builder<>(engine, name, codec)
        .retention(retention)
        .lease(lease)
        .waitAtMost(waitAtMost);
  }

  /**
   * Stops the engine: waits until the running operations have ended and their outcomes are stored,
   * at most for the time set by {@link Builder#shutdownWithin(Duration)}, then refuses requests and
   * ends its threads. Stop what sends requests first. The stores are left to their owner.
   */
  @Override
  public void close() {
    engine.close();
  }

  /** Collects the settings of an engine. Not thread-safe. */
  public static final class Builder {

    private final List<DecisionListener> listeners = new ArrayList<>();
    private String namespace = "";
    private @Nullable IdempotencyStore store;
    private @Nullable TransactionalStore transactionalStore;
    private ResultCodecFactory codecs = ResultCodecFactory.basic();
    private @Nullable AnswerCache answerCache;
    private int maxWaiters = 16_384;
    private int blockingThreads = 32;
    private Duration purgeEvery = Duration.ofMinutes(1);
    private Duration shutdownWithin = Duration.ofSeconds(30);
    private Duration retention = Duration.ofHours(24);
    private Duration lease = Duration.ofSeconds(30);
    private Duration waitAtMost = Duration.ofSeconds(5);

    private Builder() {}

    /**
     * What separates this application's keys from others' in the same store.
     *
     * @param namespace empty by default; at most 200 characters
     * @return this
     */
    public Builder namespace(String namespace) {
      if (namespace.length() > 200) {
        throw new IllegalArgumentException(
            "A namespace has at most 200 characters, found " + namespace.length());
      }
      Unicode.requireWellFormed("namespace", namespace);
      this.namespace = namespace;
      return this;
    }

    /**
     * The store of leased operations.
     *
     * @param store the store
     * @return this
     */
    public Builder store(IdempotencyStore store) {
      this.store = store;
      return this;
    }

    /**
     * The store of transactional operations.
     *
     * @param store the store
     * @return this
     */
    public Builder transactionalStore(TransactionalStore store) {
      this.transactionalStore = store;
      return this;
    }

    /**
     * Where codecs come from for operations that name a result type.
     *
     * @param codecs {@link ResultCodecFactory#basic()} by default
     * @return this
     */
    public Builder codecs(ResultCodecFactory codecs) {
      this.codecs = codecs;
      return this;
    }

    /**
     * Adds a listener.
     *
     * @param listener told of every decision
     * @return this
     */
    public Builder listener(DecisionListener listener) {
      listeners.add(listener);
      return this;
    }

    /**
     * Remembers answers in this process, so that a replay on the node that ran asks no store. What
     * an operator changes in the store is then seen when the cache has forgotten the answer.
     *
     * @param cache none by default
     * @return this
     */
    public Builder answerCache(AnswerCache cache) {
      this.answerCache = cache;
      return this;
    }

    /**
     * How many callers may wait for running requests at once; more are told {@link Execution.Busy}.
     *
     * @param maxWaiters at least 0; 16384 by default
     * @return this
     */
    public Builder maxWaiters(int maxWaiters) {
      if (maxWaiters < 0) {
        throw new IllegalArgumentException(
            "The number of waiters is not negative, found " + maxWaiters);
      }
      this.maxWaiters = maxWaiters;
      return this;
    }

    /**
     * How many threads ask the store for asynchronous requests, where the store cannot be asked
     * without one: one that is no {@link io.idem.core.store.AsyncStore}. Recovery hooks of
     * asynchronous requests run on them too. What ends a run is sent to such a store on as many
     * others, where it waits for no claim and no hook. All are made when they are needed and end
     * when they are not. As many requests as may wait can wait for one; more are told {@link
     * Execution.Busy}.
     *
     * @param blockingThreads at least 1; 32 by default
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public Builder blockingThreads(int blockingThreads) {
      if (blockingThreads < 1) {
        throw new IllegalArgumentException(
            "There is at least 1 thread for what blocks, found " + blockingThreads);
      }
      this.blockingThreads = blockingThreads;
      return this;
    }

    /**
     * How often expired records are purged from stores that do not forget by themselves.
     *
     * @param purgeEvery the time between two purges; zero for never, which a {@link FailoverStore}
     *     does not allow; 1 minute by default
     * @return this
     */
    public Builder purgeEvery(Duration purgeEvery) {
      this.purgeEvery = notNegative("time between two purges", purgeEvery);
      return this;
    }

    /**
     * How long {@link Idempotency#close()} waits for running operations.
     *
     * @param shutdownWithin the bound; 30 seconds by default
     * @return this
     */
    public Builder shutdownWithin(Duration shutdownWithin) {
      this.shutdownWithin = notNegative("time to shut down within", shutdownWithin);
      return this;
    }

    /**
     * How long operations keep an outcome that do not say so themselves.
     *
     * @param retention at least one millisecond; 24 hours by default
     * @return this
     * @throws IllegalArgumentException if it is shorter
     */
    public Builder retention(Duration retention) {
      this.retention = Operation.Builder.requireRetention(retention);
      return this;
    }

    /**
     * How long a claim holds without renewal, in leased operations that do not say so themselves.
     *
     * @param lease at least 100 milliseconds; 30 seconds by default
     * @return this
     * @throws IllegalArgumentException if it is shorter
     */
    public Builder lease(Duration lease) {
      this.lease = Operation.Builder.requireLease(lease);
      return this;
    }

    /**
     * How long a repeat waits for the running request, in operations that do not say so themselves.
     *
     * @param waitAtMost zero not to wait; 5 seconds by default
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public Builder waitAtMost(Duration waitAtMost) {
      this.waitAtMost = Operation.Builder.requireWait(waitAtMost);
      return this;
    }

    private static Duration notNegative(String what, Duration value) {
      if (value.isNegative()) {
        throw new IllegalArgumentException("The " + what + " is not negative, found " + value);
      }
      return value;
    }

    /**
     * Makes the engine.
     *
     * @return the engine
     * @throws IllegalStateException if no store is set, or a {@link FailoverStore} is never purged
     */
    public Idempotency build() {
      if (store == null && transactionalStore == null) {
        throw new IllegalStateException(
            "An engine needs a store: set store(…) or transactionalStore(…), or use"
                + " Idempotency.inMemory() for a single process");
      }
      if (purgeEvery.isZero() && owesWrites(store)) {
        throw new IllegalStateException(
            "purgeEvery is zero, but the store is a FailoverStore, which makes up for what one of"
                + " its stores has missed when it is purged: set purgeEvery to more than zero, such"
                + " as Duration.ofMinutes(1)");
      }
      return new Idempotency(
          new Engine(
              namespace,
              store,
              transactionalStore,
              List.copyOf(listeners),
              codecs,
              answerCache,
              maxWaiters,
              blockingThreads,
              purgeEvery,
              shutdownWithin),
          this);
    }

    /** Also inside a decorator that passes purging on. */
    private static boolean owesWrites(@Nullable IdempotencyStore store) {
      return store != null
          && store
              .capability(ExpiredEntries.class)
              .filter(
                  entries ->
                      entries.purgeTargets().stream().anyMatch(FailoverStore.class::isInstance))
              .isPresent();
    }
  }
}
