/**
 * The guards on JDBC: each a conditional statement, inside the transaction of its caller. {@link
 * io.idem.guard.jdbc.JdbcGuards} is where they come from.
 */
@NullMarked
package io.idem.guard.jdbc;

import org.jspecify.annotations.NullMarked;
