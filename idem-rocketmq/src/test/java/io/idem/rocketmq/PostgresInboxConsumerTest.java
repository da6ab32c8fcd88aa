package io.idem.rocketmq;

import io.idem.testkit.TestPostgres;
import javax.sql.DataSource;

/** Messages of RocketMQ with an inbox in PostgreSQL. */
class PostgresInboxConsumerTest extends InboxConsumerContract {

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }
}
