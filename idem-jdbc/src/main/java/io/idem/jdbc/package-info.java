/** Idempotency records kept in a relational database. */
@NullMarked
package io.idem.jdbc;

import org.jspecify.annotations.NullMarked;
