package io.idem.jdbc;

/** The stores on PostgreSQL. */
class PostgresContractTest extends StoreContracts {

  PostgresContractTest() {
    super(Backend.POSTGRESQL);
  }
}
