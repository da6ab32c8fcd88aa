package io.idem.jdbc;

/** The stores on MariaDB, at READ COMMITTED and with statements prepared on the server. */
class PreparedMariaDbContractTest extends StoreContracts {

  PreparedMariaDbContractTest() {
    super(Backend.MARIADB_PREPARED);
  }
}
