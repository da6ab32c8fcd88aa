package io.idem.jdbc;

import java.time.Duration;

/**
 * The stores on PostgreSQL whose connections bound the wait of claims: that of most of the cases,
 * which may wait longer, and not that of those which may wait less.
 */
class SessionBoundContractTest extends StoreContracts {

  SessionBoundContractTest() {
    super(() -> TestDatabase.boundBySession(Duration.ofSeconds(3)));
  }
}
