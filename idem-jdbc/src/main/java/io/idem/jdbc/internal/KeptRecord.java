package io.idem.jdbc.internal;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import java.time.Duration;

/**
 * For how long a claim has its record kept, by which its completion may spare itself that. A claim
 * reckons with a whole lease beside the retention. Immutable.
 */
public final class KeptRecord {

  private final RecordId id;
  private final OwnerToken token;
  private final Duration retention;
  private final Duration lease;
  private final long nanos = System.nanoTime();
  private final long millis = System.currentTimeMillis();

  private KeptRecord(ClaimRequest request) {
    this.id = request.id();
    this.token = request.token();
    this.retention = request.retention();
    this.lease = request.leaseFor();
  }

  /**
   * What a claim is about to write.
   *
   * @param request the claim, which has not been sent
   * @return for how long its record is kept
   */
  public static KeptRecord of(ClaimRequest request) {
    return new KeptRecord(request);
  }

  /** Whose record it is. */
  OwnerToken token() {
    return token;
  }

  /**
   * Whether a completion that begins now need not have the record kept any longer: within half of
   * the lease. The other half is left for what may hold the completion up.
   *
   * @param completed what is completed
   * @param atLeast how long its outcome is to be kept from now on
   * @return true if it is kept as long already
   */
  public boolean covers(Lease completed, Duration atLeast) {
    return covers(completed, atLeast, System.nanoTime(), System.currentTimeMillis());
  }

  /**
   * As above, at another time. What counts is the clock that has gone further: one of them stands
   * still while the machine sleeps, and the other may be set.
   */
  boolean covers(Lease completed, Duration atLeast, long atNanos, long atMillis) {
    Duration half = lease.dividedBy(2);
    return token.equals(completed.token())
        && id.equals(completed.id())
        && atLeast.compareTo(retention) <= 0
        && Duration.ofNanos(atNanos - nanos).compareTo(half) < 0
        && Duration.ofMillis(atMillis - millis).compareTo(half) < 0;
  }
}
