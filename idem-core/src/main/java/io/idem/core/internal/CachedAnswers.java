package io.idem.core.internal;

import io.idem.core.store.AnswerCache;
import io.idem.core.store.Claim;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine's cache of answers, if it has one. Its failures are contained: the store knows too.
 */
final class CachedAnswers {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final @Nullable AnswerCache cache;

  CachedAnswers(@Nullable AnswerCache cache) {
    this.cache = cache;
  }

  Claim.@Nullable Completed find(Call<?, ?> call) {
    if (cache == null) {
      return null;
    }
    try {
      return cache.get(call.id());
    } catch (Throwable e) {
      log.warn("The cache of answers failed; the store is asked", e);
      return null;
    }
  }

  /**
   * Remembers an answer this node has made durable.
   *
   * @param sentNanos when it was sent to the store: its retention may count from then
   */
  void keep(Call<?, ?> call, Claim.Completed answer, long sentNanos) {
    if (cache == null) {
      return;
    }
    Duration left = call.spec().retention().minusNanos(System.nanoTime() - sentNanos);
    if (left.isNegative() || left.isZero()) {
      return;
    }
    try {
      cache.put(call.id(), answer, left);
    } catch (Throwable e) { // errors too: the answer is durable, and its caller is owed it
      log.warn("The cache of answers failed; the store will be asked", e);
    }
  }
}
