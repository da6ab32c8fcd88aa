package io.idem.jdbc;

/** The stores on MariaDB. */
class MariaDbContractTest extends StoreContracts {

  MariaDbContractTest() {
    super(Backend.MARIADB);
  }
}
