package io.idem.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The end of an attempt that may be followed by another.
 *
 * @param retryAfter when the server asks for it, if it does
 * @param left what is left of the call's time
 */
record AttemptEnd(@Nullable Duration retryAfter, Duration left) {}
