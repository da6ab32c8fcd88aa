package io.idem.jdbc;

/** The stores on MariaDB through MySQL's driver. */
class MySqlDriverContractTest extends StoreContracts {

  MySqlDriverContractTest() {
    super(Backend.MARIADB_BY_MYSQL_DRIVER);
  }
}
