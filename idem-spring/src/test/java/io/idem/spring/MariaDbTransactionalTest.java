package io.idem.spring;

import io.idem.testkit.TestMariaDb;
import javax.sql.DataSource;

class MariaDbTransactionalTest extends TransactionalContract {

  @Override
  DataSource newDatabase() {
    return TestMariaDb.shared().newDatabase();
  }
}
