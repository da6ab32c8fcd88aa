package io.idem.core.store;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Remembers completed answers in this process, so that a replay asks no store.
 *
 * <p>Only answers that are durable are handed to it, never a running or abandoned key. The record's
 * id covers the caller, and the answer carries the fingerprint it is compared by, so a cached
 * answer is no more visible than a stored one. Implementations are thread-safe and bounded; what
 * they forget is asked of the store again.
 */
public interface AnswerCache {

  /**
   * Finds an answer.
   *
   * @param id whose
   * @return the answer, or null if it is not remembered or its time has passed
   */
  Claim.@Nullable Completed get(RecordId id);

  /**
   * Remembers an answer.
   *
   * @param id whose
   * @param answer what the store holds
   * @param keepFor how long from now, at most: the record may be absent afterwards; at least one
   *     nanosecond
   */
  void put(RecordId id, Claim.Completed answer, Duration keepFor);
}
