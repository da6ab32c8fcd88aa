/** The one algorithm of all databases, and what tells them apart. Nobody else's. */
@NullMarked
package io.idem.jdbc.internal;

import org.jspecify.annotations.NullMarked;
