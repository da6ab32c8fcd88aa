package io.idem.core.store;

/**
 * The right to run one key, held by one claim until it is completed, released or runs out.
 *
 * @param id the identity of the scoped key
 * @param token the mark every later write is compared with
 * @param attempt how often the key was claimed since its record was created, starting at 1; grows
 *     with every take-over, so it serves as a fencing number to outside systems
 */
public record Lease(RecordId id, OwnerToken token, int attempt) {}
