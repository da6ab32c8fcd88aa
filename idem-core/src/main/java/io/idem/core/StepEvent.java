package io.idem.core;

import io.idem.core.store.RecordId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One decision about a {@linkplain Attempt#step step} of an operation. It is no request and counts
 * as none. It holds nothing of the key or the payload, so it may be logged.
 *
 * @param decision what was decided
 * @param operation the name of the step's operation
 * @param step the step's name; a body may make up names as it goes, so there may be many
 * @param id the identity of the step's record in the store, or of its operation's where the step
 *     ran without a record
 * @param elapsed how long the step took until the decision, on this node's monotonic clock
 * @param cause what was thrown, for failures
 */
public record StepEvent(
    Decision decision,
    String operation,
    String step,
    RecordId id,
    Duration elapsed,
    @Nullable Throwable cause) {}
