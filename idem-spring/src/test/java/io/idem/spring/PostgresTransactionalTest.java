package io.idem.spring;

import io.idem.testkit.TestPostgres;
import javax.sql.DataSource;

class PostgresTransactionalTest extends TransactionalContract {

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }
}
