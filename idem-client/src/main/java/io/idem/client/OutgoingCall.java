package io.idem.client;

import io.idem.core.Attempt;
import io.idem.core.Mode;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One call to another system, which must take effect there once: its key, and what is known of
 * earlier attempts. Immutable and thread-safe; its text does not show the key.
 *
 * @param key 1 to {@value #MAX_KEY_LENGTH} printable ASCII characters, the same for every attempt
 * @param sentBefore whether the request may have been sent under this key before the call, for
 *     example by a process that crashed. Then a refusal of this attempt does not say that nothing
 *     happened
 * @param sentOnce whether the call has one attempt only, because its body cannot be sent again
 * @param firstSent when the request was sent first, for headers that tell it; null for the start of
 *     the call
 */
public record OutgoingCall(
    String key, boolean sentBefore, boolean sentOnce, @Nullable Instant firstSent) {

  /** The most characters of a key. */
  public static final int MAX_KEY_LENGTH = 255;

  /**
   * Checks the key.
   *
   * @param key the key
   * @param sentBefore whether the request may have been sent before
   * @param sentOnce whether there is one attempt only
   * @param firstSent when the request was sent first, if that was before
   * @throws IllegalArgumentException if the key is empty, too long, or has other characters
   */
  public OutgoingCall {
    Objects.requireNonNull(key, "key");
    if (key.isEmpty() || key.length() > MAX_KEY_LENGTH) {
      throw new IllegalArgumentException(
          "The key of a call has 1 to " + MAX_KEY_LENGTH + " characters, found " + key.length());
    }
    if (key.isBlank() || !key.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      throw new IllegalArgumentException(
          "The key of a call has printable ASCII characters only, and not only spaces");
    }
  }

  /**
   * A call under a key of your own. The key has to outlive a crash: one that is made up for each
   * attempt protects nothing.
   *
   * @param key the key
   * @return a call that was not sent before
   * @throws IllegalArgumentException if it cannot be a key
   */
  public static OutgoingCall of(String key) {
    return new OutgoingCall(key, false, false, null);
  }

  /**
   * A call from the body of an operation, under {@link Attempt#outgoingKey}: every run of the
   * operation under its key, also one after a crash, repeats the same call.
   *
   * @param attempt the run
   * @param step what distinguishes this call from the others of the body
   * @return a call that counts as sent before unless this is known to be the first run
   * @throws IllegalArgumentException if the step is not valid Unicode
   */
  public static OutgoingCall of(Attempt attempt, String step) {
    // A transactional run that was rolled back left no trace, but its calls were made.
    boolean rerun = attempt.number() > 1 || attempt.mode() == Mode.TRANSACTIONAL;
    return new OutgoingCall(attempt.outgoingKey(step), rerun, false, null);
  }

  /**
   * The same call, which may have been sent before.
   *
   * @return a copy
   */
  public OutgoingCall repeated() {
    return new OutgoingCall(key, true, sentOnce, firstSent);
  }

  /**
   * The same call with one attempt only: for a body that cannot be sent again.
   *
   * @return a copy
   */
  public OutgoingCall once() {
    return new OutgoingCall(key, sentBefore, true, firstSent);
  }

  /**
   * The same call, which was sent first at a time that was kept, for example beside the order that
   * it is for.
   *
   * @param time the time of the first attempt
   * @return a copy
   */
  public OutgoingCall firstSentAt(Instant time) {
    return new OutgoingCall(key, sentBefore, sentOnce, time);
  }

  @Override
  public String toString() {
    return "OutgoingCall[sentBefore=" + sentBefore + ", sentOnce=" + sentOnce + "]";
  }
}
