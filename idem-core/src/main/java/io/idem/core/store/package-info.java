/** The SPI of a place that remembers keys: claim, complete, release, renew. */
@NullMarked
package io.idem.core.store;

import org.jspecify.annotations.NullMarked;
