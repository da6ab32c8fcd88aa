package io.idem.jdbc;

import io.idem.core.store.Batch;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.jdbc.internal.BatchTable;
import io.idem.jdbc.internal.Failures;
import io.idem.jdbc.internal.RecordTable;
import io.idem.jdbc.internal.Session;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One transaction on one connection. */
final class JdbcTransactionScope implements TransactionScope {

  private final JdbcTransactions.Transaction transaction;
  private final RecordTable table;
  private final BatchTable batches;

  /** Whether there may be something to lose if a claim is undone by a rollback. */
  private boolean used;

  private boolean ended;

  /** What was claimed last, and when at the latest that was. */
  private @Nullable ClaimRequest claimed;

  private long claimedNanos;

  JdbcTransactionScope(
      JdbcTransactions.Transaction transaction, RecordTable table, BatchTable batches) {
    this.transaction = transaction;
    this.table = table;
    this.batches = batches;
    this.used = transaction.isJoined();
    ScopeConnections.requireTransaction(transaction.connection());
  }

  @Override
  public boolean isJoined() {
    return transaction.isJoined();
  }

  @Override
  public Claim claim(ClaimRequest request, Duration waitAtMost) {
    return claiming(request, null, waitAtMost);
  }

  @Override
  public Claim claimCompleted(ClaimRequest request, StoredOutcome outcome, Duration waitAtMost) {
    return claiming(request, outcome, waitAtMost);
  }

  private Claim claiming(
      ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost) {
    Session session = session();
    long sentNanos = System.nanoTime();
    try {
      Claim claim = table.claim(session, request, outcome, waitAtMost);
      if (claim instanceof Claim.Acquired) {
        used = true;
        // Of a claim that is repeated, the record is kept from the first time on.
        if (claimed == null || !claimed.token().equals(request.token())) {
          claimed = request;
          claimedNanos = sentNanos;
        }
      }
      return claim;
    } catch (SQLException e) {
      throw failed("Claiming record " + request.id(), e);
    }
  }

  @Override
  public List<Claim> claimAll(List<ClaimRequest> requests, Duration waitAtMost) {
    return claimingAll(requests, null, waitAtMost);
  }

  @Override
  public List<Claim> claimAllCompleted(
      List<ClaimRequest> requests, StoredOutcome outcome, Duration waitAtMost) {
    return claimingAll(requests, outcome, waitAtMost);
  }

  private List<Claim> claimingAll(
      List<ClaimRequest> requests, @Nullable StoredOutcome outcome, Duration waitAtMost) {
    return Batch.claim(
        requests,
        outcome,
        true,
        distinct -> {
          Session session = session();
          try {
            List<Claim> claims = batches.claimAll(session, distinct, outcome, waitAtMost);
            used |= claims.stream().anyMatch(Claim.Acquired.class::isInstance);
            return claims;
          } catch (SQLException e) {
            throw failed("Claiming " + distinct.size() + " records", e);
          }
        });
  }

  @Override
  public List<LeaseCheck> completeAll(List<Completion> completions) {
    Batch.requireBounded(completions.size());
    Session session = session();
    try {
      return batches.completeAll(session, completions);
    } catch (SQLException e) {
      throw afterWork("Completing " + completions.size() + " records", e);
    }
  }

  @Override
  public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
    Session session = session();
    try {
      return table.complete(session, lease, outcome, retention, isInTime(lease, retention));
    } catch (SQLException e) {
      throw afterWork("Completing record " + lease.id(), e);
    }
  }

  @Override
  public LeaseCheck completeLast(Lease lease, StoredOutcome outcome, Duration retention) {
    if (!(transaction instanceof MarkedTransaction marked && isOurs())
        || marked.isRollbackOnly()
        || !table.commitsWithCompletion()) {
      return complete(lease, outcome, retention);
    }
    Session session = session();
    ended = true;
    try {
      LeaseCheck check =
          table.completeAndCommit(session, lease, outcome, retention, isInTime(lease, retention));
      if (check == LeaseCheck.HELD) {
        marked.committed();
      } else {
        marked.setRollbackOnly();
      }
      return check;
    } catch (SQLException e) {
      marked.setRollbackOnly();
      throw Failures.ofCommit("Completing record " + lease.id() + " and committing", e);
    }
  }

  /**
   * Whether the claim has the record kept as long as its completion would. A claim reckons with a
   * whole lease beside the retention; half of it is left for what may hold the completion up.
   */
  private boolean isInTime(Lease lease, Duration retention) {
    ClaimRequest request = claimed;
    return request != null
        && request.token().equals(lease.token())
        && request.id().equals(lease.id())
        && retention.compareTo(request.retention()) <= 0
        && Duration.ofNanos(System.nanoTime() - claimedNanos)
                .compareTo(request.leaseFor().dividedBy(2))
            < 0;
  }

  @Override
  public void flush() {
    transaction.flush();
  }

  @Override
  public void setRollbackOnly() {
    transaction.setRollbackOnly();
  }

  @Override
  public boolean isRollbackOnly() {
    return transaction.isRollbackOnly();
  }

  @Override
  public <C> C unwrap(Class<C> type) {
    Connection connection = session().connection();
    used = true;
    return ScopeConnections.unwrap(connection, type);
  }

  void end() {
    ended = true;
  }

  private Session session() {
    if (ended) {
      throw new IllegalStateException("The transaction's work has returned: its scope is over");
    }
    Session.Mode unused =
        transaction instanceof MarkedTransaction ? Session.Mode.OWNED : table.ofOthers();
    return new Session(transaction.connection(), used ? Session.Mode.JOINED : unused);
  }

  /** An error of what comes behind the work, which may have swallowed one of its own. */
  private RuntimeException afterWork(String what, SQLException e) {
    if (Failures.isAborted(e)) {
      transaction.setRollbackOnly();
      return Failures.refused(what, e);
    }
    return failed(what, e);
  }

  /**
   * Refuses an end of the work from which whoever ends the transaction would take it for good. What
   * this module ends itself it looks at then.
   */
  void requireCommittable() {
    if (!used || isOurs() || transaction.isRollbackOnly()) {
      return;
    }
    try {
      JdbcTransactions.requireCommittable(transaction.connection());
    } catch (CommitRefusedException | StoreUnavailableException e) {
      transaction.setRollbackOnly();
      throw e;
    }
  }

  /** Whether nobody but this module ends the transaction: others have to see their commit. */
  private boolean isOurs() {
    return transaction instanceof MarkedTransaction && !transaction.isJoined();
  }

  private StoreUnavailableException failed(String what, SQLException e) {
    transaction.setRollbackOnly();
    return Failures.inTransaction(what, e, table.isConflict(e));
  }
}
