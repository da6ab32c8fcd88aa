package io.idem.core.store;

import org.jspecify.annotations.Nullable;

/**
 * Optional capability of a store that can tell a waiting caller, on whatever node, that a key has
 * changed hands.
 *
 * <p>A signal only says that it is worth looking again. It may come late, twice, for nothing, or
 * not at all, so a waiter goes on looking by itself, only less often. Thread-safe.
 */
public interface CompletionSignal {

  /**
   * Asks to be woken when the key is completed, released or given up, and once as soon as the store
   * listens: what happened before that is seen by looking then.
   *
   * <p>Neither waits for the store nor throws.
   *
   * @param id the key
   * @param wake called by a thread of the store's, which it must not hold up
   * @return ends the watch; null if the store cannot listen now, and looking often has to do
   */
  @Nullable Watch watch(RecordId id, Runnable wake);

  /** Being woken for one key. */
  interface Watch extends AutoCloseable {

    /** Ends it. Neither waits for the store nor throws; calling it again does nothing. */
    @Override
    void close();
  }
}
