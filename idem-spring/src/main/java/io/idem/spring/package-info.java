/** Idempotent operations declared on Spring beans. */
@NullMarked
package io.idem.spring;

import org.jspecify.annotations.NullMarked;
