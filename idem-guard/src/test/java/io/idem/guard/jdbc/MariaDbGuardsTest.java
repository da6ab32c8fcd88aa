package io.idem.guard.jdbc;

/** The guards on MariaDB. */
class MariaDbGuardsTest extends GuardContract {

  MariaDbGuardsTest() {
    super(Backend.MARIADB);
  }
}
