package io.idem.core.store;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Who waits for which key on this node: what a store needs to be a {@link CompletionSignal}.
 *
 * <p>However many wait for a key, the store listens for it once. Thread-safe.
 */
public final class KeyWatchers {

  private final ConcurrentHashMap<RecordId, List<Waiting>> byKey = new ConcurrentHashMap<>();
  private final Consumer<RecordId> listen;
  private final Consumer<RecordId> ignore;

  /** Creates watchers of a store that sees every change itself and need not listen. */
  public KeyWatchers() {
    this(id -> {}, id -> {});
  }

  /**
   * Creates watchers. Of one key, calls to the two are made one after the other, in the order of
   * what they answer to.
   *
   * @param listen called when the first waiter of a key comes; what it throws is thrown by {@link
   *     #add}, which then changes nothing
   * @param ignore called when the last waiter of a key has gone; must not throw
   */
  public KeyWatchers(Consumer<RecordId> listen, Consumer<RecordId> ignore) {
    this.listen = listen;
    this.ignore = ignore;
  }

  /**
   * Adds a waiter. One that is not the first of its key is woken at once, because for it there is
   * no beginning to listen.
   *
   * @param id the key it waits for
   * @param wake how to wake it; must neither block nor throw
   * @return removes it
   */
  public CompletionSignal.Watch add(RecordId id, Runnable wake) {
    Waiting waiting = new Waiting(id, wake);
    List<Waiting> all =
        byKey.compute(
            id,
            (key, present) -> {
              if (present == null) {
                listen.accept(key);
                return List.of(waiting);
              }
              List<Waiting> more = new ArrayList<>(present);
              more.add(waiting);
              return List.copyOf(more);
            });
    if (all.size() > 1) {
      wake.run();
    }
    return waiting;
  }

  /**
   * Wakes everybody who waits for a key.
   *
   * @param id the key
   */
  public void wake(RecordId id) {
    // Not a plain read: what is heard while the first waiter is being added is for it already.
    List<Waiting> present = byKey.computeIfPresent(id, (key, waiting) -> waiting);
    if (present != null) {
      present.forEach(waiting -> waiting.wake.run());
    }
  }

  /** One waiter. Equal to no other, so that closing it twice removes nobody else. */
  private final class Waiting implements CompletionSignal.Watch {

    private final RecordId id;
    private final Runnable wake;

    Waiting(RecordId id, Runnable wake) {
      this.id = id;
      this.wake = wake;
    }

    @Override
    public void close() {
      byKey.computeIfPresent(
          id,
          (key, present) -> {
            List<Waiting> rest = present.stream().filter(other -> other != this).toList();
            if (!rest.isEmpty()) {
              return rest;
            }
            ignore.accept(key);
            return null;
          });
    }
  }
}
