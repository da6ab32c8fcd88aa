/**
 * Leased idempotency records in Redis: one algorithm in scripts, sent through a port of one method.
 */
@NullMarked
package io.idem.redis;

import org.jspecify.annotations.NullMarked;
