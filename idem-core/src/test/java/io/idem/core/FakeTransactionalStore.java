package io.idem.core;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A database in a few lines: staged writes, row locks, and transactions that may be joined. */
final class FakeTransactionalStore implements TransactionalStore, ExpiredEntries {

  private record Row(Fingerprint fingerprint, StoredOutcome outcome) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private final Map<RecordId, Row> committed = new HashMap<>();
  private final Map<RecordId, Transaction> locked = new HashMap<>();
  private final List<String> effects = new ArrayList<>();
  private final Map<Thread, Transaction> current = new java.util.concurrent.ConcurrentHashMap<>();

  /** What the next claims throw instead of answering. */
  final Deque<RuntimeException> claimFailures = new ArrayDeque<>();

  /** What all claims end in, if it is set. */
  volatile Error claimError;

  final AtomicInteger begun = new AtomicInteger();
  final AtomicInteger waiting = new AtomicInteger();
  final AtomicInteger purges = new AtomicInteger();
  volatile RuntimeException commitFailure;
  volatile boolean loseAtCompletion;

  /** Runs after each rollback, before anybody else can know of it. */
  volatile Runnable afterRollback = () -> {};

  /** A transaction, which is also the resource that bodies unwrap. */
  static final class Transaction {
    private final Map<RecordId, Row> staged = new HashMap<>();
    private final List<String> stagedEffects = new ArrayList<>();
    private boolean rollbackOnly;

    void write(String effect) {
      stagedEffects.add(effect);
    }

    void setRollbackOnly() {
      rollbackOnly = true;
    }
  }

  List<String> effects() {
    lock.lock();
    try {
      return List.copyOf(effects);
    } finally {
      lock.unlock();
    }
  }

  int records() {
    lock.lock();
    try {
      return committed.size();
    } finally {
      lock.unlock();
    }
  }

  /** A caller's own transaction, which operations inside it join. */
  <R, X extends Throwable> R callersTransaction(TransactionWork<R, X> work) throws X {
    return inTransaction(work);
  }

  @Override
  public <R, X extends Throwable> R inTransaction(TransactionWork<R, X> work) throws X {
    Transaction outer = current.get(Thread.currentThread());
    if (outer != null) {
      try {
        return work.run(new Scope(outer, true));
      } catch (Throwable e) {
        outer.rollbackOnly = true;
        throw e;
      }
    }
    begun.incrementAndGet();
    Transaction transaction = new Transaction();
    current.put(Thread.currentThread(), transaction);
    boolean commit = false;
    try {
      R result = work.run(new Scope(transaction, false));
      commit = !transaction.rollbackOnly;
      if (commit && commitFailure != null) {
        commit = false;
        throw commitFailure;
      }
      return result;
    } finally {
      current.remove(Thread.currentThread());
      end(transaction, commit);
    }
  }

  private void end(Transaction transaction, boolean commit) {
    lock.lock();
    try {
      if (commit) {
        committed.putAll(transaction.staged);
        effects.addAll(transaction.stagedEffects);
      }
      locked.values().removeIf(transaction::equals);
      ended.signalAll();
    } finally {
      lock.unlock();
    }
    if (!commit) {
      afterRollback.run();
    }
  }

  @Override
  public int purgeExpired(int limit) {
    purges.incrementAndGet();
    return 0;
  }

  private final class Scope implements TransactionScope {
    private final Transaction transaction;
    private final boolean joined;

    Scope(Transaction transaction, boolean joined) {
      this.transaction = transaction;
      this.joined = joined;
    }

    @Override
    public boolean isJoined() {
      return joined;
    }

    @Override
    public Claim claim(ClaimRequest request, Duration waitAtMost) {
      return claim(request, null, waitAtMost);
    }

    @Override
    public Claim claimCompleted(ClaimRequest request, StoredOutcome outcome, Duration waitAtMost) {
      return claim(request, outcome, waitAtMost);
    }

    private Claim claim(ClaimRequest request, StoredOutcome outcome, Duration waitAtMost) {
      lock.lock();
      try {
        if (claimError != null) {
          throw claimError;
        }
        if (!claimFailures.isEmpty()) {
          throw claimFailures.pop();
        }
        long left = waitAtMost.toNanos();
        while (locked.getOrDefault(request.id(), transaction) != transaction) {
          if (left <= 0) {
            return new Claim.Running(Fingerprint.NONE, Duration.ZERO);
          }
          waiting.incrementAndGet();
          left = ended.awaitNanos(left);
          waiting.decrementAndGet();
        }
        Row row = transaction.staged.getOrDefault(request.id(), committed.get(request.id()));
        if (row != null) {
          return row.outcome == null
              ? new Claim.Running(row.fingerprint, Duration.ZERO)
              : new Claim.Completed(row.fingerprint, row.outcome);
        }
        locked.put(request.id(), transaction);
        transaction.staged.put(request.id(), new Row(request.fingerprint(), outcome));
        return new Claim.Acquired(new Lease(request.id(), request.token(), 1));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreUnavailableException("Interrupted", e);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      Row row = transaction.staged.get(lease.id());
      if (loseAtCompletion || row == null) {
        return LeaseCheck.LOST;
      }
      transaction.staged.put(lease.id(), new Row(row.fingerprint, outcome));
      return LeaseCheck.HELD;
    }

    @Override
    public void setRollbackOnly() {
      transaction.rollbackOnly = true;
    }

    @Override
    public boolean isRollbackOnly() {
      return transaction.rollbackOnly;
    }

    @Override
    public <C> C unwrap(Class<C> type) {
      if (!type.isInstance(transaction)) {
        throw new IllegalArgumentException("No " + type);
      }
      return type.cast(transaction);
    }
  }

  static StoreConflictException conflict() {
    return new StoreConflictException("deadlock", new Exception("40P01"));
  }
}
