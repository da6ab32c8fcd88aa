/** The Idempotency-Key protocol on Spring WebFlux. */
@NullMarked
package io.idem.webflux;

import org.jspecify.annotations.NullMarked;
