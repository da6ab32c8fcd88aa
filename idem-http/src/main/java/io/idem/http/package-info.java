/** The Idempotency-Key protocol, independent of any web framework. */
@NullMarked
package io.idem.http;

import org.jspecify.annotations.NullMarked;
