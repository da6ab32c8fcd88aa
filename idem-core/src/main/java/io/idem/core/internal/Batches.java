package io.idem.core.internal;

import io.idem.core.BatchBody;
import io.idem.core.Decision;
import io.idem.core.Execution;
import io.idem.core.ItemAnswer;
import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The way of a batch through the engine.
 *
 * <ol>
 *   <li>The first request of each key stands for the key; later ones are its repeats.
 *   <li>In the order of the ids, each key's {@link Flight} is led, or another request of this node
 *       is followed. So two batches of one node wait for each other in one direction only, and
 *       before either holds a connection.
 *   <li>The {@link BatchProtocol} of the operation's mode carries the keys that are led.
 *   <li>Each request is answered from what the store said of its key or what its key's run came to,
 *       by its own fingerprint.
 * </ol>
 */
final class Batches {

  private final ConcurrentMap<RecordId, Flight> flights;
  private final Follower follower;
  private final Answers answers;
  private final Events events;

  /** Waits for the request of this node that is ahead; null if the caller has to try to lead. */
  interface Follower {
    <T extends @Nullable Object> @Nullable Execution<T> follow(Call<T, ?> call, Flight leading);
  }

  Batches(
      ConcurrentMap<RecordId, Flight> flights, Follower follower, Answers answers, Events events) {
    this.flights = flights;
    this.follower = follower;
    this.answers = answers;
    this.events = events;
  }

  <T extends @Nullable Object, X extends Throwable> List<ItemAnswer<T>> execute(
      OperationSpec<T> spec, List<Call<T, X>> calls, BatchProtocol protocol, BatchBody<T, X> body)
      throws X {
    Map<RecordId, Integer> first = new TreeMap<>();
    for (int i = 0; i < calls.size(); i++) {
      first.putIfAbsent(calls.get(i).id(), i);
    }
    Map<RecordId, BatchItem<T>> led = new HashMap<>();
    Map<RecordId, Flight> followed = new HashMap<>();
    Map<Integer, ItemAnswer<T>> found = new HashMap<>();
    try {
      first.forEach(
          (id, index) -> {
            ItemAnswer<T> answer = leadOrFollow(calls.get(index), index, led, followed);
            if (answer != null) {
              found.put(index, answer);
            }
          });
      if (!led.isEmpty()) {
        List<BatchItem<T>> items = new ArrayList<>(led.values());
        items.sort((a, b) -> Integer.compare(a.index, b.index));
        protocol.lead(spec, items, new TellingBusy<>(body, busy(found), calls, events));
      }
      List<ItemAnswer<T>> all = new ArrayList<>(calls.size());
      for (int i = 0; i < calls.size(); i++) {
        int index = i;
        Call<T, X> call = calls.get(i);
        ItemAnswer<T> known = found.get(i);
        BatchItem<T> item = led.get(call.id());
        if (known == null && item != null) {
          known = answered(() -> answer(call, item, index));
        } else if (known == null) {
          Flight leading = Objects.requireNonNull(followed.get(call.id()));
          known = answered(() -> follower.follow(call, leading));
        }
        all.add(known != null ? known : new ItemAnswer.Answered<>(answers.busy(call)));
      }
      return all;
    } finally {
      led.forEach(
          (id, item) -> {
            flights.remove(id, item.flight);
            item.flight.end();
          });
    }
  }

  /** The places that wait in vain for a request of this node. */
  private static <T extends @Nullable Object> List<Integer> busy(
      Map<Integer, ItemAnswer<T>> found) {
    return found.entrySet().stream()
        .filter(
            each ->
                each.getValue() instanceof ItemAnswer.Answered<T> answered
                    && answered.execution() instanceof Execution.Busy)
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Null if the key is led now. */
  private <T extends @Nullable Object> @Nullable ItemAnswer<T> leadOrFollow(
      Call<T, ?> call, int index, Map<RecordId, BatchItem<T>> led, Map<RecordId, Flight> followed) {
    while (true) {
      Flight flight = Flight.ofThisThread();
      Flight leading = flights.putIfAbsent(call.id(), flight);
      if (leading == null) {
        led.put(call.id(), new BatchItem<>(index, call, flight));
        return null;
      }
      ItemAnswer<T> answer = answered(() -> follower.follow(call, leading));
      if (answer != null) {
        followed.put(call.id(), leading);
        return answer;
      }
    }
  }

  /** The answer to a request whose key was led by this batch. */
  private <T extends @Nullable Object> Execution<T> answer(
      Call<T, ?> call, BatchItem<T> item, int index) {
    Claim claim = item.claim();
    if (claim instanceof Claim.Completed completed) {
      return answers.fromStored(call, completed);
    } else if (claim instanceof Claim.Running running) {
      return answers.within(call, running.fingerprint());
    } else if (claim instanceof Claim.Abandoned abandoned) {
      return abandoned.fingerprint().matches(call.fingerprint())
          ? answers.unresolved(call, abandoned.attempt())
          : answers.keyReused(call);
    } else if (item.index == index) {
      return item.execution();
    } else if (!item.call.fingerprint().matches(call.fingerprint())) {
      return answers.keyReused(call);
    } else if (item.execution() instanceof Execution.Ran<T> ran) {
      return repeated(call, item, ran);
    }
    return answers.unresolved(call, item.attempt());
  }

  /** What a repeat inside the batch is told of the run of its key. */
  private <T extends @Nullable Object> Execution<T> repeated(
      Call<T, ?> call, BatchItem<T> item, Execution.Ran<T> ran) {
    return switch (ran.recording()) {
      case STORED, PENDING, UNPROTECTED -> {
        events.publish(Decision.REPLAYED, call, null);
        yield new Execution.Replayed<>(ran.result());
      }
      case FREED -> answers.busy(call); // asked again, it may run
      case UNKNOWN -> answers.unresolved(call, item.attempt());
    };
  }

  /**
   * What a single request would be thrown is this one's answer, and no failure of the others. Null
   * if there is no answer.
   */
  private static <T extends @Nullable Object> @Nullable ItemAnswer<T> answered(
      Answering<T> answering) {
    try {
      Execution<T> answer = answering.answer();
      return answer == null ? null : new ItemAnswer.Answered<>(answer);
    } catch (Exception e) {
      return new ItemAnswer.Failed<>(e);
    }
  }

  /** The caller's body, which is told of what is busy in the store and of what is on this node. */
  private record TellingBusy<T extends @Nullable Object, X extends Throwable>(
      BatchBody<T, X> body, List<Integer> onThisNode, List<Call<T, X>> calls, Events events)
      implements BatchBody<T, X> {

    @Override
    public List<? extends T> run(List<Item> fresh) throws X {
      return body.run(fresh);
    }

    @Override
    public void busy(List<Integer> inTheStore, boolean joined) throws X {
      if (onThisNode.isEmpty() && inTheStore.isEmpty()) {
        return;
      }
      try {
        body.busy(
            Stream.concat(onThisNode.stream(), inTheStore.stream()).sorted().toList(), joined);
      } catch (Throwable e) {
        // Nobody is answered any more; who waited for a request of this node has been.
        inTheStore.forEach(index -> events.publish(Decision.BUSY, calls.get(index), null));
        throw e;
      }
    }

    @Override
    public @Nullable Progress<T> progress(Throwable failure) {
      return body.progress(failure);
    }
  }

  /** Finds an answer. */
  private interface Answering<T extends @Nullable Object> {
    @Nullable Execution<T> answer() throws Exception;
  }
}
