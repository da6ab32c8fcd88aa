package io.idem.core;

import java.time.Duration;
import java.util.Optional;

/**
 * One regular purge of one store, at its end.
 *
 * @param store the simple name of the store's class
 * @param deleted how many records were deleted
 * @param elapsed how long it took
 * @param lag for how long the oldest record that is still stored has been past its retention; empty
 *     if the store cannot tell
 * @param finished false if the time ran out before everything that had expired was deleted
 */
public record PurgeEvent(
    String store, long deleted, Duration elapsed, Optional<Duration> lag, boolean finished) {}
