package io.idem.guard.jdbc;

/** The guards on PostgreSQL. */
class PostgresGuardsTest extends GuardContract {

  PostgresGuardsTest() {
    super(Backend.POSTGRESQL);
  }
}
