package io.idem.core.internal;

import io.idem.core.store.Lease;

/**
 * The record that the steps of a key belong to, as one run of the operation found or made it.
 *
 * @param lease who opened it; steps are recorded under its token, so those of a key's earlier life
 *     are never met again
 * @param opened whether this very run did, so that there were no steps before
 * @param lookedNanos when the store was asked
 */
record StepJournal(Lease lease, boolean opened, long lookedNanos) {}
