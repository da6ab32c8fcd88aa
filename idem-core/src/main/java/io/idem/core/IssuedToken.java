package io.idem.core;

import java.time.Instant;

/**
 * A token as it is handed to a client.
 *
 * @param token the token, of letters, digits, dots, hyphens and underscores; at most {@value
 *     OperationTokens#MAX_LENGTH} characters
 * @param expiresAt when it stops being accepted, by the clock of the node that issued it
 */
public record IssuedToken(String token, Instant expiresAt) {

  /** The expiry; the token itself stays out of logs. */
  @Override
  public String toString() {
    return "IssuedToken[expiresAt=" + expiresAt + "]";
  }
}
