/**
 * Idempotency records in a relational database: a store of leased keys, and a transactional one
 * whose records commit with the effect.
 */
@NullMarked
package io.idem.jdbc;

import org.jspecify.annotations.NullMarked;
