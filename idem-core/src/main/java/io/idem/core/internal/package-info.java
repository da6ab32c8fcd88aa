/** How the engine works. Not for use outside this module. */
@NullMarked
package io.idem.core.internal;

import org.jspecify.annotations.NullMarked;
