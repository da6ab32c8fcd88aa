package io.idem.caffeine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.Ticker;
import io.idem.core.store.AnswerCache;
import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A cache of completed answers, bounded in bytes and in time.
 *
 * <p>An answer is kept until its record's retention may be over or it has been here for the longest
 * age, whichever comes first. What an operator changes in the store is seen at the latest after
 * that age. Thread-safe.
 */
public final class CaffeineAnswerCache implements AnswerCache {

  /** About what an entry takes besides its payload: objects, key, fingerprint, links. */
  static final int ENTRY_BYTES = 256;

  private final Cache<RecordId, Kept> answers;
  private final long maxBytes;
  private final long maxAgeNanos;

  /**
   * Creates a cache.
   *
   * @param maxBytes how many bytes it holds at most, by estimate; at least 1
   * @param maxAge how long it keeps an answer at most; more than zero
   * @throws IllegalArgumentException if one of them is too small
   */
  public CaffeineAnswerCache(long maxBytes, Duration maxAge) {
    this(maxBytes, maxAge, Ticker.systemTicker());
  }

  CaffeineAnswerCache(long maxBytes, Duration maxAge, Ticker ticker) {
    if (maxBytes < 1) {
      throw new IllegalArgumentException("A cache holds at least 1 byte, found " + maxBytes);
    }
    if (maxAge.isNegative() || maxAge.isZero()) {
      throw new IllegalArgumentException("The longest age is more than zero, found " + maxAge);
    }
    this.maxBytes = maxBytes;
    this.maxAgeNanos = nanos(maxAge);
    this.answers =
        Caffeine.newBuilder()
            .maximumWeight(maxBytes)
            .weigher((RecordId id, Kept kept) -> kept.bytes)
            .expireAfter(Expiry.<RecordId, Kept>writing((id, kept) -> kept.keepFor))
            .ticker(ticker)
            .build();
  }

  @Override
  public Claim.@Nullable Completed get(RecordId id) {
    Kept kept = answers.getIfPresent(id);
    return kept == null ? null : kept.answer;
  }

  @Override
  public void put(RecordId id, Claim.Completed answer, Duration keepFor) {
    int bytes = bytesOf(answer);
    if (bytes <= maxBytes) { // else it would push everything out before it goes itself
      answers.put(id, new Kept(answer, bytes, Duration.ofNanos(lesser(nanos(keepFor)))));
    }
  }

  private long lesser(long nanos) {
    return Math.min(nanos, maxAgeNanos);
  }

  /**
   * How many answers it holds.
   *
   * @return an estimate
   */
  public long size() {
    answers.cleanUp();
    return answers.estimatedSize();
  }

  private static int bytesOf(Claim.Completed answer) {
    return ENTRY_BYTES
        + answer.outcome().payload().length
        + answer.outcome().detail().getBytes(StandardCharsets.UTF_8).length;
  }

  private static long nanos(Duration duration) {
    try {
      return duration.toNanos();
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
  }

  private record Kept(Claim.Completed answer, int bytes, Duration keepFor) {}
}
