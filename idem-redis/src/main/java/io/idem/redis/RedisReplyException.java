package io.idem.redis;

import org.jspecify.annotations.Nullable;

/**
 * The server answered a command with an error.
 *
 * <p>The message is the server's: a code in capitals, a space, and what it says about it.
 */
public class RedisReplyException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param reply the server's words
   * @param cause what the client made of them, if anything
   */
  public RedisReplyException(String reply, @Nullable Throwable cause) {
    super(reply, cause);
  }

  /**
   * Whether the server's words begin with, or name as their reason, the code.
   *
   * @param code for example {@code NOSCRIPT}
   * @return true if so
   */
  public boolean is(String code) {
    String reply = String.valueOf(getMessage());
    // Redis before 7 wraps the error of a command within a script into a sentence.
    return reply.startsWith(code + " ")
        || reply.contains("-" + code + " ")
        || reply.contains(": " + code + " ");
  }
}
