package io.idem.core.store;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One running transaction, as the engine sees it.
 *
 * <p>Nothing here opens a second transaction or connection. Not thread-safe: it belongs to the
 * thread that runs the work.
 */
public interface TransactionScope {

  /**
   * Whether the transaction was there before and is committed by somebody else.
   *
   * @return true for a joined transaction
   */
  boolean isJoined();

  /**
   * Claims a key in this transaction, waiting for a rival that has not committed yet.
   *
   * <p>The lease of the request does not count: the transaction is the lease. When the answer is
   * {@link Claim.Running} the wait was in vain, and the transaction is still usable.
   *
   * @param request what is claimed
   * @param waitAtMost how long to wait for a rival's transaction to end; zero not to wait
   * @return the answer
   * @throws StoreConflictException if the database chose this transaction as a victim; it must be
   *     rolled back
   * @throws StoreUnavailableException if the store cannot say; the transaction must be rolled back
   */
  Claim claim(ClaimRequest request, Duration waitAtMost);

  /**
   * Claims a key and records its outcome in the same statement.
   *
   * <p>{@link Claim.Acquired} then means that the outcome is written; everything else is as with
   * {@link #claim}.
   *
   * @param request what is claimed
   * @param outcome what is to be replayed once the transaction has committed
   * @param waitAtMost how long to wait for a rival's transaction to end; zero not to wait
   * @return the answer
   * @throws StoreConflictException as {@link #claim} does
   * @throws StoreUnavailableException as {@link #claim} does
   */
  Claim claimCompleted(ClaimRequest request, StoredOutcome outcome, Duration waitAtMost);

  /**
   * Records the outcome of a key claimed in this transaction.
   *
   * @param lease what {@link #claim} acquired
   * @param outcome what is to be replayed once the transaction has committed
   * @param retention how long to keep it
   * @return {@link LeaseCheck#LOST} if the record is no longer there, for example because the work
   *     rolled back to an earlier savepoint; the transaction must then be rolled back
   * @throws StoreConflictException as {@link #claim} does
   * @throws StoreUnavailableException as {@link #claim} does
   */
  LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention);

  /**
   * Records the outcome of a key claimed in this transaction as the last thing that its work does.
   *
   * <p>A store may commit a transaction of its own by the same call. After {@link LeaseCheck#HELD}
   * the work returns normally, does nothing more in the transaction and does not mark it; after
   * {@link LeaseCheck#LOST} nothing is committed, and the transaction must be rolled back.
   *
   * @param lease the claimed lease
   * @param outcome what is to be replayed
   * @param retention how long to keep the outcome, counted from now
   * @return as {@link #complete}
   * @throws CommitRefusedException if the database does not commit what the work wrote
   * @throws StoreConflictException as {@link #claim} does
   * @throws StoreUnavailableException as {@link #claim} does, and if it is not known whether the
   *     transaction was committed
   */
  default LeaseCheck completeLast(Lease lease, StoredOutcome outcome, Duration retention) {
    return complete(lease, outcome, retention);
  }

  /**
   * Claims many keys in this transaction, in the order of their ids, so that two overlapping
   * batches cannot wait for each other in a circle.
   *
   * <p>The answers are those of {@link #claim} for each request in turn; a key that appears twice
   * is {@link Claim.Running} the second time. A rival that does not end within the bound makes its
   * own key {@link Claim.Running} and keeps none of the others from being acquired. Where a store
   * can, and no rival is in the way, this is one statement.
   *
   * @param requests what is claimed; at most {@value Batch#MOST}
   * @param waitAtMost how long the whole batch waits for rivals' transactions; zero not to wait
   * @return an answer for each request, in their order
   * @throws IllegalArgumentException if there are more requests than a batch may have
   * @throws StoreConflictException as {@link #claim} does
   * @throws StoreUnavailableException as {@link #claim} does
   */
  default List<Claim> claimAll(List<ClaimRequest> requests, Duration waitAtMost) {
    return claimEach(requests, null, waitAtMost);
  }

  /**
   * Claims many keys as {@link #claimAll} does, and records the same outcome for each that is
   * acquired, in the same statement.
   *
   * <p>A key that appears twice is {@link Claim.Completed} the second time, with the fingerprint of
   * the first.
   *
   * @param requests what is claimed; at most {@value Batch#MOST}
   * @param outcome what is to be replayed once the transaction has committed
   * @param waitAtMost how long the whole batch waits for rivals' transactions; zero not to wait
   * @return an answer for each request, in their order
   * @throws IllegalArgumentException if there are more requests than a batch may have
   * @throws StoreConflictException as {@link #claim} does
   * @throws StoreUnavailableException as {@link #claim} does
   */
  default List<Claim> claimAllCompleted(
      List<ClaimRequest> requests, StoredOutcome outcome, Duration waitAtMost) {
    return claimEach(requests, outcome, waitAtMost);
  }

  private List<Claim> claimEach(
      List<ClaimRequest> requests, @Nullable StoredOutcome outcome, Duration waitAtMost) {
    long start = System.nanoTime();
    return Batch.claim(
        requests,
        outcome,
        true,
        distinct -> {
          List<Claim> answers = new ArrayList<>();
          for (ClaimRequest request : distinct) {
            Duration waited = Duration.ofNanos(System.nanoTime() - start);
            Duration left =
                waited.compareTo(waitAtMost) < 0 ? waitAtMost.minus(waited) : Duration.ZERO;
            answers.add(
                outcome == null ? claim(request, left) : claimCompleted(request, outcome, left));
          }
          return answers;
        });
  }

  /**
   * Records the outcomes of many keys claimed in this transaction.
   *
   * @param completions the outcomes, at most one for a key; at most {@value Batch#MOST}
   * @return what {@link #complete} answers for each, in their order
   * @throws IllegalArgumentException if there are more than a batch may have
   * @throws StoreConflictException as {@link #claim} does
   * @throws StoreUnavailableException as {@link #claim} does
   */
  default List<LeaseCheck> completeAll(List<Completion> completions) {
    Batch.requireBounded(completions.size());
    return completions.stream()
        .map(each -> complete(each.lease(), each.outcome(), each.retention()))
        .toList();
  }

  /**
   * Sends what the work has left in a buffer, such as an object-relational mapper's pending SQL, so
   * that it fails within the work and not at the commit.
   */
  default void flush() {}

  /** Makes sure that this transaction is rolled back and never committed. */
  void setRollbackOnly();

  /**
   * Whether this transaction can only be rolled back.
   *
   * @return true if somebody marked it so
   */
  boolean isRollbackOnly();

  /**
   * The resource behind the transaction, such as a {@code java.sql.Connection}.
   *
   * @param type the type wanted
   * @param <C> the type wanted
   * @return the resource; the caller neither closes nor commits it
   * @throws IllegalArgumentException if the transaction has no such resource
   */
  <C> C unwrap(Class<C> type);
}
