package io.idem.jdbc;

/** MySQL's statements on MariaDB: the statements are tested, MySQL itself is not. */
class MySqlStatementsOnMariaDbContractTest extends StoreContracts {

  MySqlStatementsOnMariaDbContractTest() {
    super(Backend.MYSQL_STATEMENTS_ON_MARIADB);
  }
}
