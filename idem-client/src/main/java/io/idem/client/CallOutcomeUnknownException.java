package io.idem.client;

import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The attempts of a call ended, and nobody knows whether it was carried out.
 *
 * <p>It must not be sent under another key before that is known. Sent again under the same {@link
 * #key()}, it takes effect once. The message does not show the key.
 */
public final class CallOutcomeUnknownException extends IOException {

  private static final long serialVersionUID = 1L;

  private final String key;
  private final int attempts;
  private final transient @Nullable ReceivedAnswer answer;

  CallOutcomeUnknownException(
      String key, int attempts, @Nullable ReceivedAnswer answer, @Nullable Throwable cause) {
    super(
        "It is not known whether the call was carried out, after "
            + attempts
            + (attempts == 1 ? " attempt" : " attempts")
            + (answer == null ? "" : "; the last answer was " + answer)
            + ". Look it up, or send it again under the same key",
        cause);
    this.key = key;
    this.attempts = attempts;
    this.answer = answer;
  }

  /**
   * The key of the call.
   *
   * @return the key
   */
  public String key() {
    return key;
  }

  /**
   * How often the request was sent, or tried to be.
   *
   * @return at least 1
   */
  public int attempts() {
    return attempts;
  }

  /**
   * What was received last.
   *
   * @return nothing if the last attempt had no answer, which the cause then tells, or after
   *     serialization
   */
  public Optional<ReceivedAnswer> answer() {
    return Optional.ofNullable(answer);
  }
}
