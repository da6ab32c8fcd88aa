/** Callers that call as fast as they can, and what comes of comparing two of them. */
@NullMarked
package io.idem.benchmarks.load;

import org.jspecify.annotations.NullMarked;
