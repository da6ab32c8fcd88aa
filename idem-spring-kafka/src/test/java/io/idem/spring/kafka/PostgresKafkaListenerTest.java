package io.idem.spring.kafka;

import io.idem.testkit.TestPostgres;
import javax.sql.DataSource;

/** Listeners with an inbox in PostgreSQL. */
class PostgresKafkaListenerTest extends KafkaListenerContract {

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }
}
