package io.idem.guard.jdbc;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Statements on a connection, or the use of what they gave. */
@FunctionalInterface
interface SqlWork<A, R extends @Nullable Object> {

  R apply(A argument) throws SQLException;
}
