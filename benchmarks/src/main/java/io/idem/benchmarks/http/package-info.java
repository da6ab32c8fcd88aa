/** What Idem costs an endpoint, as a ratio to the same endpoint without it. */
@NullMarked
package io.idem.benchmarks.http;

import org.jspecify.annotations.NullMarked;
