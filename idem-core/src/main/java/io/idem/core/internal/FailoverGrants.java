package io.idem.core.internal;

import io.idem.core.store.OwnerToken;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which of two stores granted each lease, as far as it is not the usual.
 *
 * <p>Bounded: the oldest is forgotten first. What is forgotten counts as granted in the usual way,
 * so that its owner may be told at worst that the lease is lost.
 */
public final class FailoverGrants {

  private static final int MOST = 100_000;

  /** Whether a store holds a token. */
  public enum Hold {
    /** It granted the lease and decides whether it is still held. */
    YES,
    /** It is to know what becomes of the lease, but does not decide. */
    MAYBE,
    /** It was not asked. */
    NO
  }

  /** What the two stores have to do with a lease. */
  public record Grant(Hold fallback, Hold primary) {}

  private final Grant usual;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<OwnerToken, Grant> unusual = new LinkedHashMap<>();

  /** Starts with nothing remembered. */
  public FailoverGrants(Grant usual) {
    this.usual = usual;
  }

  /** Remembers how a lease was granted. */
  public void put(OwnerToken token, Grant grant) {
    lock.lock();
    try {
      unusual.put(token, grant);
      if (unusual.size() > MOST) {
        unusual.remove(unusual.keySet().iterator().next());
      }
    } finally {
      lock.unlock();
    }
  }

  /** How a lease was granted. */
  public Grant of(OwnerToken token) {
    lock.lock();
    try {
      return unusual.getOrDefault(token, usual);
    } finally {
      lock.unlock();
    }
  }

  /** Forgets a lease: it is over, or was granted in the usual way. */
  public void remove(OwnerToken token) {
    lock.lock();
    try {
      unusual.remove(token);
    } finally {
      lock.unlock();
    }
  }
}
