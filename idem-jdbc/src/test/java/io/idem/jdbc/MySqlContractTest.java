package io.idem.jdbc;

/** The stores in the statements of MySQL. */
class MySqlContractTest extends StoreContracts {

  MySqlContractTest() {
    super(Backend.MYSQL);
  }
}
