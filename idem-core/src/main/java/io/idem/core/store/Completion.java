package io.idem.core.store;

import java.time.Duration;

/**
 * An outcome to be recorded for an owned key.
 *
 * @param lease whose
 * @param outcome what is to be replayed
 * @param retention how long to keep it
 */
public record Completion(Lease lease, StoredOutcome outcome, Duration retention) {}
