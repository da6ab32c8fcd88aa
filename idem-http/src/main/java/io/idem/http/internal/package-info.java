/** How the protocol works. Not for use outside this module. */
@NullMarked
package io.idem.http.internal;

import org.jspecify.annotations.NullMarked;
