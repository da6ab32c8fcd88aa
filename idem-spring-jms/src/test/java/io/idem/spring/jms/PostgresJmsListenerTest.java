package io.idem.spring.jms;

import io.idem.testkit.TestPostgres;
import javax.sql.DataSource;

/** Listeners with an inbox in PostgreSQL. */
class PostgresJmsListenerTest extends JmsListenerContract {

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }
}
