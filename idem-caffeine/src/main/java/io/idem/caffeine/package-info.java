/** Completed answers kept in this process. */
@NullMarked
package io.idem.caffeine;

import org.jspecify.annotations.NullMarked;
