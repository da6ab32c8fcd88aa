/**
 * The store SPI: the few protocol verbs a backend implements, and the values they speak in.
 *
 * <p>A backend depends on this package alone. It decides ownership and time; it never decides
 * policy.
 */
@NullMarked
package io.idem.core.store;

import org.jspecify.annotations.NullMarked;
