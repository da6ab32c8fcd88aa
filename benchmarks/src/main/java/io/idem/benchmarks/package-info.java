/** What Idem costs, measured with JMH. */
@NullMarked
package io.idem.benchmarks;

import org.jspecify.annotations.NullMarked;
