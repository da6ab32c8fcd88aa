package io.idem.core.store;

import java.util.List;

/**
 * Optional capability of an {@link IdempotencyStore}: many keys in one step.
 *
 * <p>An implementation takes the keys in the order of their ids, so that two overlapping batches
 * cannot wait for each other in a circle, and answers in the order of the list. {@link Batch} does
 * both. Where it can be, a call is one statement and one round trip. Implementations are
 * thread-safe.
 */
public interface BatchClaims {

  /**
   * Claims many keys, or says of each why not.
   *
   * <p>The answers are those of {@link IdempotencyStore#claim} for each request in turn. A key that
   * appears twice is therefore {@link Claim.Running} the second time, with the fingerprint of the
   * first, unless both requests carry the same token. What is in the way of one key keeps none of
   * the others from being acquired.
   *
   * @param requests what is claimed; at most {@value Batch#MOST}
   * @return an answer for each request, in their order
   * @throws IllegalArgumentException if there are more requests than a batch may have; nothing
   *     happened
   * @throws StoreUnavailableException if the store cannot say; each of the claims may or may not
   *     hold
   */
  List<Claim> claimAll(List<ClaimRequest> requests);

  /**
   * Records many outcomes, each conditional on its own lease, as {@link IdempotencyStore#complete}
   * does.
   *
   * @param completions the outcomes, at most one for a key; at most {@value Batch#MOST}
   * @return for each completion, in their order, whether the caller still owned the key
   * @throws IllegalArgumentException if there are more than a batch may have; nothing happened
   * @throws StoreUnavailableException if the store cannot say; each outcome may or may not be
   *     stored
   */
  List<LeaseCheck> completeAll(List<Completion> completions);
}
