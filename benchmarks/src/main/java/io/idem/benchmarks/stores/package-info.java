/** What Idem costs on a database or Redis, as a ratio to the same thing written by hand. */
@NullMarked
package io.idem.benchmarks.stores;

import org.jspecify.annotations.NullMarked;
