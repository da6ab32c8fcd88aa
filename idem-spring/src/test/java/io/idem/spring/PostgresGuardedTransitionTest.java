package io.idem.spring;

import io.idem.testkit.TestPostgres;
import javax.sql.DataSource;

class PostgresGuardedTransitionTest extends GuardedTransitionContract {

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }
}
