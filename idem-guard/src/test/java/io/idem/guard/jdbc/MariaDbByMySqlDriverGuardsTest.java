package io.idem.guard.jdbc;

/** The guards on MariaDB, through MySQL's driver. */
class MariaDbByMySqlDriverGuardsTest extends GuardContract {

  MariaDbByMySqlDriverGuardsTest() {
    super(Backend.MARIADB_BY_MYSQL_DRIVER);
  }
}
