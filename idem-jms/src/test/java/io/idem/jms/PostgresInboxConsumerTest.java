package io.idem.jms;

import io.idem.testkit.TestPostgres;
import javax.sql.DataSource;

/** Messages of Artemis with an inbox in PostgreSQL. */
class PostgresInboxConsumerTest extends InboxConsumerContract {

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }
}
