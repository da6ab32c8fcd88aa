package io.idem.core.internal;

import io.idem.core.store.OwnerToken;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes that one of two stores has taken and the other could not: tried again when asked to.
 *
 * <p>Bounded in number. What does not fit is logged: it leaves at worst a record that is abandoned
 * in one of the stores.
 */
public final class OwedWrites {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");
  private static final int MOST = 1_000;

  private final Map<Debt, Write> writes = new ConcurrentHashMap<>();

  private record Debt(Object creditor, OwnerToken token) {}

  private static final class Write {

    private final ReentrantLock lock = new ReentrantLock();
    private final Runnable act;
    private boolean cancelled;

    Write(Runnable act) {
      this.act = act;
    }

    void run() {
      lock.lock();
      try {
        if (!cancelled) {
          act.run();
        }
      } finally {
        lock.unlock();
      }
    }

    void cancel() {
      lock.lock();
      try {
        cancelled = true;
      } finally {
        lock.unlock();
      }
    }
  }

  /** Keeps a write for later. */
  public void add(Object creditor, OwnerToken token, Runnable act) {
    if (writes.size() >= MOST) {
      log.error(
          "{} writes are owed to a store already, so one is given up: its record may stay abandoned"
              + " there",
          MOST);
      return;
    }
    writes.put(new Debt(creditor, token), new Write(act));
  }

  /** Takes back what is owed under a token, after any try of it that is under way. */
  public void cancel(Object creditor, OwnerToken token) {
    Write write = writes.remove(new Debt(creditor, token));
    if (write != null) {
      write.cancel();
    }
  }

  /** Tries everything once; a store that fails is left alone for the rest of this turn. */
  public void settle() {
    Set<Object> failed = new HashSet<>();
    for (Debt debt : List.copyOf(writes.keySet())) {
      Write write = writes.get(debt);
      if (write == null || failed.contains(debt.creditor())) {
        continue;
      }
      try {
        write.run();
        writes.remove(debt, write);
      } catch (RuntimeException e) {
        failed.add(debt.creditor());
      }
    }
  }

  /** How many are owed. */
  public int size() {
    return writes.size();
  }
}
