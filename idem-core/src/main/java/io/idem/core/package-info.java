/**
 * The engine: operations that take effect once, whatever arrives how often.
 *
 * <p>Start at {@link io.idem.core.Idempotency}. Everything here is thread-safe unless it says
 * otherwise, and needs no framework.
 */
@NullMarked
package io.idem.core;

import org.jspecify.annotations.NullMarked;
