package io.idem.jdbc;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A right transaction, whose methods broken ones override. */
class BrokenScope implements TransactionScope {

  final TransactionScope right;

  BrokenScope(TransactionScope right) {
    this.right = right;
  }

  /** A store all of whose transactions are broken in the same way. */
  static TransactionalStore in(
      TransactionalStore store, Function<TransactionScope, TransactionScope> broken) {
    return new TransactionalStore() {
      @Override
      public <R extends @Nullable Object, X extends Throwable> R inTransaction(
          TransactionWork<R, X> work) throws X {
        return store.inTransaction(scope -> work.run(broken.apply(scope)));
      }
    };
  }

  /** Both ways to claim a key come through here. */
  Claim claim(ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost) {
    return outcome == null
        ? right.claim(request, waitAtMost)
        : right.claimCompleted(request, outcome, waitAtMost);
  }

  @Override
  public final Claim claim(ClaimRequest request, Duration waitAtMost) {
    return claim(request, null, waitAtMost);
  }

  @Override
  public final Claim claimCompleted(
      ClaimRequest request, StoredOutcome outcome, Duration waitAtMost) {
    return claim(request, outcome, waitAtMost);
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    return right.complete(lease, outcome, retention);
  }

  @Override
  public boolean isJoined() {
    return right.isJoined();
  }

  @Override
  public void flush() {
    right.flush();
  }

  @Override
  public void setRollbackOnly() {
    right.setRollbackOnly();
  }

  @Override
  public boolean isRollbackOnly() {
    return right.isRollbackOnly();
  }

  @Override
  public <C> C unwrap(Class<C> type) {
    return right.unwrap(type);
  }
}
