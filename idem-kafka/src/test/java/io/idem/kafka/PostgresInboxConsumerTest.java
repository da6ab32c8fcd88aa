package io.idem.kafka;

import io.idem.testkit.TestPostgres;
import javax.sql.DataSource;

/** The plain consumer with an inbox in PostgreSQL. */
class PostgresInboxConsumerTest extends InboxConsumerContract {

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }
}
