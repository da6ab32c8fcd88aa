package io.idem.messaging;

import io.idem.core.Attempt;
import io.idem.core.BatchBody;
import io.idem.core.IdempotentRequest;
import io.idem.core.ItemAnswer;
import io.idem.core.Mode;
import io.idem.core.store.Batch;
import io.idem.core.store.StoreUnavailableException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The way of a batch of messages through an inbox.
 *
 * <ol>
 *   <li>Messages without a key are parked.
 *   <li>The others go to the engine together, at most {@link Batch#MOST} at a time.
 *   <li>If some are being consumed elsewhere and messages have an order, the engine's transaction
 *       is rolled back, and the batch goes once more without them and without what is behind them.
 *   <li>If the handler fails, the engine has rolled everything back. What stood before the failed
 *       message goes once more. If nobody knows which message failed, or it is the commit that
 *       failed, they go one at a time.
 *   <li>Under leases nothing is rolled back. What stood before the failed message is done, if the
 *       handler said which one that is. If what it said cannot be told, all is unknown; if it said
 *       nothing, the failure is that of all.
 * </ol>
 */
final class BatchRun<M, X extends Exception> {

  private final Inbox<M> inbox;
  private final List<M> messages;
  private final Handling<M, X> handling;
  private final IdempotentRequest[] requests;
  private final @Nullable DeliveryDecision[] decisions;

  /** For each order that waits, the first message that is busy. */
  private final Map<Object, Integer> waiting = new HashMap<>();

  BatchRun(Inbox<M> inbox, List<M> messages, Handling<M, X> handling) {
    this.inbox = inbox;
    this.messages = messages;
    this.handling = handling;
    this.requests = new IdempotentRequest[messages.size()];
    this.decisions = new DeliveryDecision[messages.size()];
  }

  BatchOutcome run() throws X {
    List<Integer> admitted = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      Inbox.Admission admission = inbox.admit(messages.get(i));
      if (admission.request() == null) {
        decisions[i] = admission.park();
      } else {
        requests[i] = admission.request();
        admitted.add(i);
      }
    }
    return outcome(
        handling instanceof OneByOne<M, X> each && inbox.operation().mode() == Mode.LEASED
            ? leased(admitted, each.handler())
            : chunks(admitted));
  }

  private BatchOutcome outcome(BatchOutcome.@Nullable Failure failure) {
    int decided = failure == null ? decisions.length : failure.index();
    return new BatchOutcome(
        Arrays.stream(decisions, 0, decided).map(Objects::requireNonNull).toList(), failure);
  }

  private BatchOutcome.@Nullable Failure chunks(List<Integer> indexes) throws X {
    for (int from = 0; from < indexes.size(); from += Batch.MOST) {
      List<Integer> chunk = indexes.subList(from, Math.min(indexes.size(), from + Batch.MOST));
      try {
        BatchOutcome.Failure failure = together(chunk);
        if (failure != null) {
          return failure;
        }
      } catch (Exception e) {
        if (from == 0) {
          throw e;
        }
        return new BatchOutcome.Failure(chunk.get(0), e); // what was before it is durable
      }
    }
    return null;
  }

  /** A lease for each message. */
  private BatchOutcome.@Nullable Failure leased(
      List<Integer> indexes, MessageHandler<? super M, X> handler) {
    for (int index : indexes) {
      if (isBehind(index)) {
        continue;
      }
      try {
        decide(index, inbox.consume(requests[index], messages.get(index), handler));
      } catch (Exception e) {
        return new BatchOutcome.Failure(index, e);
      }
    }
    return null;
  }

  /** One transaction for all, as far as it goes. */
  private BatchOutcome.@Nullable Failure together(List<Integer> indexes) throws X {
    List<Integer> left = indexes.stream().filter(index -> !isBehind(index)).toList();
    while (!left.isEmpty()) {
      Turn turn = new Turn(left);
      try {
        List<ItemAnswer<@Nullable Void>> answers =
            inbox
                .operation()
                .executeAll(left.stream().map(index -> requests[index]).toList(), turn);
        Told told = turn.told;
        if (told != null && told.failure().isBeforeAny()) {
          return without(told.index(), told.failure(), left);
        }
        for (int i = 0; i < left.size(); i++) {
          if (told == null || left.get(i) < told.index()) {
            decide(left.get(i), DeliveryDecision.of(answers.get(i)));
          }
        }
        return told == null
            ? null
            : new BatchOutcome.Failure(told.index(), told.failure().failure());
      } catch (BusyInOrder busy) {
        left = notBehind(busy.places.stream().map(left::get).toList(), left);
      } catch (Exception e) {
        if (turn.isHandled && !turn.isFinal && !isOutage(e)) {
          return without(null, e, left); // nobody says which one it was
        }
        if (e != turn.failure || turn.isFinal) {
          if (e instanceof MessageFailedException told) {
            told.leave();
          }
          throw e;
        }
        return without(turn.failed, e, left);
      }
    }
    return null;
  }

  private static boolean isOutage(Exception e) {
    return e instanceof StoreUnavailableException;
  }

  /** Decides about what is busy and what is behind it; the rest may go. */
  private List<Integer> notBehind(List<Integer> busy, List<Integer> indexes) {
    Set<String> keys =
        busy.stream().map(index -> requests[index].key()).collect(Collectors.toSet());
    List<Integer> rest = new ArrayList<>();
    for (int index : indexes) {
      if (keys.contains(requests[index].key())) {
        decide(index, new DeliveryDecision.RedeliverLater(inbox.operation().retryAfter()));
      } else if (!isBehind(index)) {
        rest.add(index);
      }
    }
    return rest;
  }

  /** What can be done without the message that failed, and which one that was. */
  private BatchOutcome.@Nullable Failure without(
      @Nullable Integer failed, Exception failure, List<Integer> indexes) throws X {
    if (failed != null || indexes.size() == 1) {
      int at = failed != null ? failed : indexes.get(0);
      Exception cause = failure instanceof MessageFailedException told ? told.failure() : failure;
      BatchOutcome.Failure earlier =
          together(indexes.stream().filter(index -> index < at).toList());
      return earlier != null ? earlier : new BatchOutcome.Failure(at, cause);
    }
    for (int index : indexes) {
      BatchOutcome.Failure alone = together(List.of(index));
      if (alone != null) {
        return alone;
      }
    }
    return null;
  }

  private void decide(int index, DeliveryDecision decision) {
    decisions[index] = decision;
    Object order = inbox.orderOf(messages.get(index));
    if (order != null && decision instanceof DeliveryDecision.RedeliverLater) {
      waiting.merge(order, index, Math::min);
    }
  }

  /** Whether a message must wait for one before it, which is then decided. */
  private boolean isBehind(int index) {
    Object order = inbox.orderOf(messages.get(index));
    Integer busy = order == null ? null : waiting.get(order);
    if (busy == null || busy >= index) {
      return false;
    }
    decisions[index] = decisions[busy];
    return true;
  }

  /** How a handler takes the messages that are fresh. */
  sealed interface Handling<M, X extends Exception> {}

  /** One after the other. */
  record OneByOne<M, X extends Exception>(MessageHandler<? super M, X> handler)
      implements Handling<M, X> {}

  /** In one call. */
  record AllAtOnce<M, X extends Exception>(BatchHandler<M, X> handler) implements Handling<M, X> {}

  /** One call of the engine. */
  private final class Turn implements BatchBody<@Nullable Void, X> {

    private final List<Integer> indexes;
    private final List<Integer> given = new ArrayList<>();
    @Nullable Exception failure;
    @Nullable Integer failed;

    /** Whether what failed cannot be tried again here: leased, or in the caller's transaction. */
    boolean isFinal;

    /** Whether the handler has returned, so that it is the commit that fails. */
    boolean isHandled;

    /** What the engine was told of, and has recorded as far as the handler came. */
    @Nullable Told told;

    Turn(List<Integer> indexes) {
      this.indexes = indexes;
    }

    @Override
    public void busy(List<Integer> places, boolean joined) {
      if (inbox.isOrdered()) {
        throw joined
            ? new DeliveryBusyException(inbox.operation().retryAfter())
            : new BusyInOrder(places);
      }
    }

    @Override
    public List<@Nullable Void> run(List<Item> items) throws X {
      List<BatchHandler.Fresh<M>> fresh =
          items.stream()
              .map(
                  item -> {
                    int index = indexes.get(item.index());
                    given.add(index);
                    return new BatchHandler.Fresh<>(index, messages.get(index), item.attempt());
                  })
              .toList();
      Attempt attempt = items.get(0).attempt();
      isFinal = attempt.mode() == Mode.LEASED || attempt.isJoined();
      isHandled = false;
      try {
        handle(fresh);
      } catch (Exception e) {
        failure = e;
        if (e instanceof MessageFailedException told
            && !told.isSpent()
            && given.contains(told.index())) {
          failed = told.index();
        }
        throw e;
      }
      isHandled = true;
      return IntStream.range(0, items.size()).mapToObj(i -> (@Nullable Void) null).toList();
    }

    @Override
    @SuppressWarnings("NullAway") // a Void is null; the checker does not follow type arguments
    public @Nullable Progress<@Nullable Void> progress(Throwable thrown) {
      if (thrown != failure || !(thrown instanceof MessageFailedException e)) {
        return null;
      }
      if (failed == null) { // it tells of a place, and not of one here: some may be done
        told = new Told(given.get(0), e);
        return new Progress<>(List.of(), e.failure(), Others.UNKNOWN);
      }
      told = new Told(failed, e);
      return e.isBeforeAny()
          ? new Progress<>(List.of(), e.failure(), Others.NOT_BEGUN)
          : new Progress<>(
              Collections.nCopies(given.indexOf(failed), null), e.failure(), Others.BY_FAILURE);
    }

    private void handle(List<BatchHandler.Fresh<M>> fresh) throws X {
      if (handling instanceof AllAtOnce<M, X> all) {
        all.handler().handle(fresh);
        return;
      }
      MessageHandler<? super M, X> handler = ((OneByOne<M, X>) handling).handler();
      for (BatchHandler.Fresh<M> each : fresh) {
        failed = each.index();
        handler.handle(each.message(), each.attempt());
        failed = null;
      }
    }
  }

  /**
   * What a handler has said.
   *
   * @param index the first message that may not be done
   */
  private record Told(int index, MessageFailedException failure) {}

  /** Some messages are busy, and others must not overtake them. */
  private static final class BusyInOrder extends RuntimeException {

    private static final long serialVersionUID = 1L;

    final transient List<Integer> places;

    BusyInOrder(List<Integer> places) {
      super(null, null, false, false);
      this.places = places;
    }
  }
}
