package io.idem.http;

import io.idem.core.Disposition;
import java.util.Set;

/**
 * What becomes of the key, by the status of the response.
 *
 * <p>2xx and 3xx are outcomes. 4xx are final refusals, except the releasing statuses: those say
 * that the request was turned away before anything happened, so the key stays free. 400 and 415 are
 * among them by default, because a request that cannot be read or bound is refused before the
 * operation begins, and the client may put it right under the same key; a refusal by business rules
 * is better told as 409 or 422, which are kept. An endpoint that answers 400 after an effect takes
 * it off the list.
 *
 * <p>406 is told of an answer that could not be rendered for this client, often after the handler
 * has run. It is about the client and not about the operation, so it is never stored: the outcome
 * counts as unknown, which in transactional mode is a rollback.
 *
 * <p>5xx leaves it unknown by default whether something happened. In transactional mode the
 * transaction is rolled back for a releasing status and for 5xx alike unless 5xx is recorded, so
 * that nothing happened is true.
 *
 * @param releasing the statuses that free the key
 * @param serverErrors what becomes of the key after 5xx: {@link Disposition#UNKNOWN}, {@link
 *     Disposition#RELEASE} or {@link Disposition#RECORD}
 */
public record ResponsePolicy(Set<Integer> releasing, Disposition serverErrors) {

  /** Frees the key after 400, 401, 403, 408, 415, 425 and 429; leaves 5xx unknown. */
  public static final ResponsePolicy DEFAULT =
      new ResponsePolicy(Set.of(400, 401, 403, 408, 415, 425, 429), Disposition.UNKNOWN);

  private static final int NOT_ACCEPTABLE = 406;

  /**
   * Checks the statuses.
   *
   * @param releasing the statuses that free the key
   * @param serverErrors what becomes of the key after 5xx
   * @throws IllegalArgumentException if a releasing status is not 4xx
   */
  public ResponsePolicy {
    releasing = Set.copyOf(releasing);
    for (int status : releasing) {
      if (status < 400 || status > 499) {
        throw new IllegalArgumentException(
            "A releasing status is 400 to 499, found "
                + status
                + ": what becomes of the key after 5xx is set by serverErrors");
      }
    }
  }

  /**
   * The same policy with another answer to 5xx.
   *
   * @param serverErrors what becomes of the key after 5xx
   * @return a copy
   */
  public ResponsePolicy onServerError(Disposition serverErrors) {
    return new ResponsePolicy(releasing, serverErrors);
  }

  /**
   * The same policy with other releasing statuses.
   *
   * @param releasing the statuses that free the key
   * @return a copy
   */
  public ResponsePolicy releasing(Set<Integer> releasing) {
    return new ResponsePolicy(releasing, serverErrors);
  }

  /**
   * What becomes of the key.
   *
   * @param status the status of the response
   * @return the disposition
   */
  public Disposition dispositionOf(int status) {
    if (status >= 500) {
      return serverErrors;
    }
    if (status < 400) {
      return Disposition.RECORD;
    }
    if (releasing.contains(status)) {
      return Disposition.RELEASE;
    }
    return status == NOT_ACCEPTABLE ? Disposition.UNKNOWN : Disposition.RECORD_REJECTION;
  }
}
