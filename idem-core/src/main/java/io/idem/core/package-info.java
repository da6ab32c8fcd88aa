/** Operations that take effect once, and the engine that runs them. */
@NullMarked
package io.idem.core;

import org.jspecify.annotations.NullMarked;
