/** Millions of keys through one engine, with expiry. */
@NullMarked
package io.idem.benchmarks.soak;

import org.jspecify.annotations.NullMarked;
