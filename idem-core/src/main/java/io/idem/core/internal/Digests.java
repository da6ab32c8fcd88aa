package io.idem.core.internal;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * SHA-256 digests that are used again: to make one takes as long as to digest a short text.
 * Thread-safe.
 */
public final class Digests {

  /** A power of two. Threads that share a slot make a digest now and then. */
  private static final int SLOTS = 64;

  /** So that slots next to each other are not in one line of a processor's cache. */
  private static final int SPREAD = 16;

  private static final AtomicReferenceArray<MessageDigest> SPARE =
      new AtomicReferenceArray<>(SLOTS * SPREAD);

  private Digests() {}

  /** An empty digest, the caller's alone until it is {@linkplain #giveBack given back}. */
  public static MessageDigest sha256() {
    MessageDigest spare = SPARE.getAndSet(slot(), null);
    return spare == null ? newSha256() : spare;
  }

  /**
   * Leaves a digest to whoever comes next. One that failed half-way is better dropped.
   *
   * @param empty a digest of {@link #sha256()}, finished
   */
  public static void giveBack(MessageDigest empty) {
    SPARE.set(slot(), empty);
  }

  private static int slot() {
    return ((int) Thread.currentThread().getId() & (SLOTS - 1)) * SPREAD;
  }

  private static MessageDigest newSha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }
}
