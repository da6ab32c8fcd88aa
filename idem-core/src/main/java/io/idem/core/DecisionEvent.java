package io.idem.core;

import io.idem.core.store.RecordId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One decision of the engine. It holds nothing of the key or the payload, so it may be logged.
 *
 * @param decision what was decided
 * @param operation the operation's name
 * @param id the identity of the scoped key in the store
 * @param elapsed how long the request took until the decision, on this node's monotonic clock
 * @param cause what was thrown, for failures
 */
public record DecisionEvent(
    Decision decision,
    String operation,
    RecordId id,
    Duration elapsed,
    @Nullable Throwable cause) {}
