/** The contract that every store passes, and what it takes to test against real databases. */
@NullMarked
package io.idem.testkit;

import org.jspecify.annotations.NullMarked;
