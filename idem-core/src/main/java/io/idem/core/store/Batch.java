package io.idem.core.store;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What the batches of all stores have in common: a bound, one order of the keys, and what a key is
 * answered that appears twice.
 */
public final class Batch {

  /** The most keys of one batch. */
  public static final int MOST = 1_000;

  private Batch() {}

  /**
   * Refuses a batch that is too large.
   *
   * @param size the number of its keys
   * @throws IllegalArgumentException if it is more than {@value #MOST}
   */
  public static void requireBounded(int size) {
    if (size > MOST) {
      throw new IllegalArgumentException(
          "A batch has at most " + MOST + " keys, found " + size + ": cut it into several");
    }
  }

  /**
   * Claims each key once, in the order of the ids, and answers in the order of the requests.
   *
   * @param requests what is claimed
   * @param outcome the outcome that a claim writes with the key; null if it leaves the key running
   * @param inTransaction whether the transaction is the lease
   * @param claims claims keys that are distinct and sorted, and answers in their order
   * @return an answer for each request, in their order
   * @throws IllegalArgumentException if there are more requests than a batch may have
   */
  public static List<Claim> claim(
      List<ClaimRequest> requests,
      @Nullable StoredOutcome outcome,
      boolean inTransaction,
      Function<List<ClaimRequest>, List<Claim>> claims) {
    requireBounded(requests.size());
    Map<RecordId, ClaimRequest> first = new TreeMap<>();
    requests.forEach(request -> first.putIfAbsent(request.id(), request));
    List<ClaimRequest> distinct = List.copyOf(first.values());
    Map<RecordId, Claim> answers = new HashMap<>();
    if (!distinct.isEmpty()) {
      List<Claim> claimed = claims.apply(distinct);
      for (int i = 0; i < distinct.size(); i++) {
        answers.put(distinct.get(i).id(), claimed.get(i));
      }
    }
    List<Claim> inOrder = new ArrayList<>(requests.size());
    for (ClaimRequest request : requests) {
      ClaimRequest earlier = Objects.requireNonNull(first.get(request.id()));
      Claim answer = Objects.requireNonNull(answers.get(request.id()));
      boolean again = answer instanceof Claim.Acquired && !earlier.token().equals(request.token());
      inOrder.add(again ? afterwards(earlier, outcome, inTransaction) : answer);
    }
    return inOrder;
  }

  /** What a second claim meets once the first has acquired the key. */
  private static Claim afterwards(
      ClaimRequest earlier, @Nullable StoredOutcome outcome, boolean inTransaction) {
    return outcome == null
        ? new Claim.Running(
            earlier.fingerprint(), inTransaction ? Duration.ZERO : earlier.leaseFor())
        : new Claim.Completed(earlier.fingerprint(), outcome);
  }
}
