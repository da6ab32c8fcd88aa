/** A circuit breaker around a store. */
@NullMarked
package io.idem.resilience4j;

import org.jspecify.annotations.NullMarked;
