package io.idem.core;

/** What happens when the store cannot answer a claim. */
public enum StoreDownPolicy {
  /**
   * The body does not run; the caller gets a {@link io.idem.core.store.StoreUnavailableException}.
   */
  FAIL_CLOSED,
  /**
   * The body runs without protection; the answer says {@link Recording#UNPROTECTED} and the run is
   * reported as {@link Decision#RAN_UNPROTECTED}. Leased mode only. A caller whose thread is
   * interrupted gets the exception all the same: the store may be well, and have been given no time
   * to answer.
   */
  FAIL_OPEN
}
