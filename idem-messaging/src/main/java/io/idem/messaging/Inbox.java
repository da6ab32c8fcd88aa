package io.idem.messaging;

import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.ResultCodecException;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.StoreUnavailableException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The messages that a consumer group has consumed: each has one effect, however often it is
 * delivered.
 *
 * <p>On a transactional operation it is an inbox in the strict sense: the message's record is
 * written in the transaction of its effect. On a leased one, for effects outside of that database,
 * a crash in the middle of a message leaves its outcome unknown, and the operation's {@link
 * io.idem.core.AbandonedPolicy} decides about the next delivery.
 *
 * <p>A key is scoped by the consumer group and the operation, so each group consumes a message, and
 * so does each operation within a group. Immutable and thread-safe.
 *
 * @param <M> the broker's type of a delivered message
 */
public final class Inbox<M> {

  /**
   * How long it is remembered that a message was consumed, unless the operation says otherwise: 14
   * days. It has to outlast every way in which an old message can come back: the broker's own
   * retention (a week on Kafka by default), and the time that a message may lie in a dead-letter
   * queue before somebody sends it again.
   */
  public static final Duration DEFAULT_RETENTION = Duration.ofDays(14);

  private final Operation<@Nullable Void> operation;
  private final String consumerGroup;
  private final MessageKey<? super M> key;
  private final Function<? super M, Fingerprint> fingerprint;
  private final @Nullable Function<? super M, ? extends Object> order;

  private Inbox(Operation<@Nullable Void> operation, Builder<M> settings, String consumerGroup) {
    this.operation = operation;
    this.consumerGroup = consumerGroup;
    this.key = settings.key;
    this.fingerprint = settings.fingerprint;
    this.order = settings.order;
  }

  /**
   * Starts an inbox with an operation of its own, which keeps its records for {@link
   * #DEFAULT_RETENTION}.
   *
   * @param engine the engine
   * @param operation the operation's name; 1 to 200 characters
   * @param reader how the broker's messages are read
   * @param <M> the broker's type of a delivered message
   * @return a builder
   */
  public static <M> Builder<M> builder(
      Idempotency engine, String operation, MessageReader<? super M> reader) {
    return new Builder<>(engine.operation(operation).retention(DEFAULT_RETENTION), null, reader);
  }

  /**
   * Starts an inbox on an operation that is there.
   *
   * @param operation the operation; mind its retention, see {@link #DEFAULT_RETENTION}
   * @param reader how the broker's messages are read
   * @param <M> the broker's type of a delivered message
   * @return a builder
   */
  public static <M> Builder<M> builder(
      Operation<@Nullable Void> operation, MessageReader<? super M> reader) {
    return new Builder<>(null, operation, reader);
  }

  /**
   * The operation whose records the inbox keeps.
   *
   * @return the operation
   */
  public Operation<@Nullable Void> operation() {
    return operation;
  }

  /**
   * Whose inbox it is: the source of its keys.
   *
   * @return the consumer group
   */
  public String consumerGroup() {
    return consumerGroup;
  }

  /**
   * Consumes a message unless it was consumed before.
   *
   * @param message the message
   * @param handler what must take effect once
   * @param <X> what the handler throws
   * @return what is to become of the delivery; what it says is durable
   * @throws X what the handler threw in this call: in transactional mode nothing happened, in
   *     leased mode the operation says what becomes of the key
   * @throws StoreUnavailableException if the store cannot answer; the handler did not run, or its
   *     transaction failed to commit. The message is to be delivered again
   * @throws io.idem.core.store.CommitRefusedException if the database does not commit what the
   *     handler wrote, for a constraint that it checks at the end, say: nothing happened, and it
   *     will be the same when the message is delivered again
   * @throws IllegalStateException if the engine is closed
   */
  public <X extends Exception> DeliveryDecision consume(
      M message, MessageHandler<? super M, X> handler) throws X {
    Objects.requireNonNull(handler, "handler");
    Admission admission = admit(message);
    return admission.request == null
        ? Objects.requireNonNull(admission.park)
        : consume(admission.request, message, handler);
  }

  @SuppressWarnings("NullAway") // a Void is null; the checker does not follow type arguments
  <X extends Exception> DeliveryDecision consume(
      IdempotentRequest request, M message, MessageHandler<? super M, X> handler) throws X {
    boolean[] ran = {false};
    try {
      return DeliveryDecision.of(
          operation.<X>execute(
              request,
              attempt -> {
                ran[0] = true;
                handler.handle(message, attempt);
                return null;
              }));
    } catch (Exception e) {
      if (!ran[0] && isOfAnEarlierRun(e)) {
        return DeliveryDecision.rejected(e);
      }
      throw e;
    }
  }

  /** What else is thrown, such as by a commit that failed, says nothing about the message. */
  private boolean isOfAnEarlierRun(Exception thrown) {
    return thrown instanceof ResultCodecException // of one that is not declared any more
        || (operation.records(thrown) && !(thrown instanceof StoreUnavailableException));
  }

  /**
   * Consumes those of the messages that were not consumed before, one after the other. In
   * transactional mode they share a transaction, and the store is asked once for all of them; in
   * leased mode each has a lease of its own, so that the failure of one leaves the others known.
   *
   * <ul>
   *   <li>A message that is in the list twice is consumed once, and a repeat the second time.
   *   <li>If the handler fails, everything is rolled back, and what stood before the failed message
   *       is done again, in a transaction without it. So handlers run more than once for a message,
   *       and their effects in the transaction are there once; effects elsewhere belong in leased
   *       mode.
   *   <li>More than {@value io.idem.core.store.Batch#MOST} messages are several transactions.
   *   <li>Inside of a transaction of the caller's, which only the caller can roll back, a failure
   *       is thrown and nothing is tried again. So is {@link DeliveryBusyException} where an
   *       {@linkplain Builder#inOrderOf order} would have to be kept around a busy message.
   * </ul>
   *
   * @param messages the messages, in the order of their delivery
   * @param handler what must take effect once for each
   * @param <X> what the handler throws
   * @return what is to become of each; what it says is durable
   * @throws X what the handler threw inside of a transaction of the caller's
   * @throws StoreUnavailableException if the store cannot answer; none of the messages had an
   *     effect
   * @throws IllegalStateException if the engine is closed
   */
  public <X extends Exception> BatchOutcome consumeEach(
      List<? extends M> messages, MessageHandler<? super M, X> handler) throws X {
    Objects.requireNonNull(handler, "handler");
    return new BatchRun<M, X>(this, List.copyOf(messages), new BatchRun.OneByOne<>(handler)).run();
  }

  /**
   * Consumes those of the messages that were not consumed before in one call of the handler.
   *
   * <p>In transactional mode it is as {@link #consumeEach} does it. If the handler fails and does
   * not say on which message, they are consumed one at a time, each in a transaction of its own, up
   * to the one that fails. In leased mode a {@link MessageFailedException} says which messages are
   * done; any other failure is thrown, and the operation says what becomes of all keys. An
   * {@linkplain Builder#inOrderOf order} is not kept there around a message that is busy.
   *
   * @param messages the messages, in the order of their delivery
   * @param handler what must take effect once for each
   * @param <X> what the handler throws
   * @return what is to become of each; what it says is durable
   * @throws X what the handler threw, in leased mode without a place, or inside of a transaction of
   *     the caller's
   * @throws StoreUnavailableException if the store cannot answer; none of the messages had an
   *     effect
   * @throws IllegalStateException if the engine is closed
   */
  public <X extends Exception> BatchOutcome consumeAll(
      List<? extends M> messages, BatchHandler<M, X> handler) throws X {
    Objects.requireNonNull(handler, "handler");
    return new BatchRun<M, X>(this, List.copyOf(messages), new BatchRun.AllAtOnce<>(handler)).run();
  }

  /** Finds a message's key, or why it has none. */
  Admission admit(M message) {
    KeyLookup lookup;
    try {
      lookup = key.of(message);
    } catch (RuntimeException e) {
      return Admission.refused(ParkReason.UNUSABLE_KEY, "The look-up of the key failed", e);
    }
    if (lookup instanceof KeyLookup.Absent absent) {
      return Admission.refused(
          ParkReason.NO_KEY, "The message has no key: no " + absent.place(), null);
    } else if (lookup instanceof KeyLookup.Unusable unusable) {
      return Admission.refused(
          ParkReason.UNUSABLE_KEY,
          "The message has no usable key: " + unusable.place() + " " + unusable.problem(),
          unusable.cause());
    }
    Fingerprint compared;
    try {
      compared = fingerprint.apply(message);
    } catch (RuntimeException e) { // whose text may have something of the message
      return Admission.refused(
          ParkReason.UNUSABLE_KEY,
          "The message cannot be compared with others of its key (" + e.getClass().getName() + ")",
          e);
    }
    try {
      return new Admission(
          new IdempotentRequest(consumerGroup, ((KeyLookup.Found) lookup).key(), compared), null);
    } catch (RuntimeException e) {
      return Admission.refused(
          ParkReason.UNUSABLE_KEY, "The message has no usable key: " + e.getMessage(), e);
    }
  }

  /** The messages that must not overtake each other, or null if all may. */
  @Nullable Object orderOf(M message) {
    return order == null ? null : order.apply(message);
  }

  /** Whether any messages must not overtake each other. */
  boolean isOrdered() {
    return order != null;
  }

  /** A message with its key, or why it is parked: one of the two is null. */
  record Admission(@Nullable IdempotentRequest request, DeliveryDecision.@Nullable Park park) {

    static Admission refused(ParkReason reason, String detail, @Nullable Exception cause) {
      return new Admission(null, new DeliveryDecision.Park(reason, detail, cause));
    }
  }

  /**
   * A digest of a payload.
   *
   * @param payload the payload
   * @return the digest of bytes or a text, and of nothing; {@link Fingerprint#NONE} for any other
   *     object, which has no bytes to compare
   */
  public static Fingerprint fingerprintOf(@Nullable Object payload) {
    if (payload == null) {
      return Fingerprint.of(List.of());
    } else if (payload instanceof byte[] bytes) {
      return Fingerprint.of(List.of(bytes));
    } else if (payload instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return Fingerprint.of(List.of(bytes));
    } else if (payload instanceof CharSequence text) {
      return Fingerprint.of(text.toString());
    }
    return Fingerprint.NONE;
  }

  /**
   * Collects the settings of an inbox. Not thread-safe.
   *
   * @param <M> the broker's type of a delivered message
   */
  public static final class Builder<M> {

    private final Operation.@Nullable Builder<@Nullable Void> own;
    private final @Nullable Operation<@Nullable Void> given;
    private @Nullable String consumerGroup;
    private MessageKey<? super M> key;
    private Function<? super M, Fingerprint> fingerprint;
    private @Nullable Function<? super M, ? extends Object> order;

    private Builder(
        Operation.@Nullable Builder<@Nullable Void> own,
        @Nullable Operation<@Nullable Void> given,
        MessageReader<? super M> reader) {
      this.own = own;
      this.given = given;
      this.key = MessageKey.header(reader, MessageIds.HEADER);
      this.fingerprint = message -> fingerprintOf(reader.payload(message));
    }

    /**
     * Whose inbox it is: consumers that share the work of a subscription share its name, and each
     * subscription has another. Without it the second subscriber would skip everything.
     *
     * @param consumerGroup 1 to 1024 characters, such as Kafka's group id or the name of a queue
     * @return this
     */
    public Builder<M> consumerGroup(String consumerGroup) {
      this.consumerGroup = consumerGroup;
      return this;
    }

    /**
     * Where the key of a message is.
     *
     * @param key the place; the header {@value MessageIds#HEADER} by default
     * @return this
     */
    public Builder<M> key(MessageKey<? super M> key) {
      this.key = key;
      return this;
    }

    /**
     * What tells a repeat from another message under the same key, which is parked.
     *
     * @param fingerprint digests what counts as the message; by default the payload, if that is
     *     bytes or a text, and nothing if it is another object. {@code message -> Fingerprint.NONE}
     *     compares nothing, for producers whose resends differ
     * @return this
     */
    public Builder<M> comparing(Function<? super M, Fingerprint> fingerprint) {
      this.fingerprint = fingerprint;
      return this;
    }

    /**
     * Which messages of a batch must not overtake each other: those of one value. Behind a message
     * that is consumed elsewhere, later ones of its value are then not consumed but delivered again
     * with it.
     *
     * @param order such as the partition of a message; by default messages have no order
     * @return this
     */
    public Builder<M> inOrderOf(Function<? super M, ? extends Object> order) {
      this.order = order;
      return this;
    }

    /**
     * Changes settings of the operation, such as its mode, retention or lease.
     *
     * @param settings called once, at once
     * @return this
     * @throws IllegalStateException if the inbox was started on an operation that is there
     */
    public Builder<M> operation(Consumer<Operation.Builder<@Nullable Void>> settings) {
      if (own == null) {
        throw new IllegalStateException(
            "This inbox is on an operation that is there: change its settings where it is made");
      }
      settings.accept(own);
      return this;
    }

    /**
     * Makes the inbox.
     *
     * @return the inbox
     * @throws IllegalStateException if there is no consumer group, or the operation's settings
     *     contradict each other
     */
    public Inbox<M> build() {
      if (consumerGroup == null || consumerGroup.isEmpty()) {
        throw new IllegalStateException(
            "An inbox needs the consumer group whose it is, or a second subscriber would skip"
                + " everything: set consumerGroup(…)");
      }
      IdempotentRequest.of("any").from(consumerGroup); // refuses what cannot be a source
      Operation<@Nullable Void> operation =
          given != null ? given : Objects.requireNonNull(own).build();
      return new Inbox<>(operation, this, consumerGroup);
    }
  }
}
