/** A payment service that charges once, however often it is asked. */
@NullMarked
package io.idem.examples.payments;

import org.jspecify.annotations.NullMarked;
