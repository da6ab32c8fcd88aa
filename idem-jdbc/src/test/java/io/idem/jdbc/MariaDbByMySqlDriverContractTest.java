package io.idem.jdbc;

/** The stores on MariaDB through MySQL's driver. */
class MariaDbByMySqlDriverContractTest extends StoreContracts {

  MariaDbByMySqlDriverContractTest() {
    super(Backend.MARIADB_BY_MYSQL_DRIVER);
  }
}
