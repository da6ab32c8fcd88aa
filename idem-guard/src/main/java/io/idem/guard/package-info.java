/**
 * Business guards: idempotency that the business rows themselves give, as rules without a database.
 * Their execution on a database is in {@code io.idem.guard.jdbc}.
 */
@NullMarked
package io.idem.guard;

import org.jspecify.annotations.NullMarked;
