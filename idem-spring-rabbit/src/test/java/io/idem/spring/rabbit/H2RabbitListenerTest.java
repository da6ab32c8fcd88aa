package io.idem.spring.rabbit;

import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;

/** Listeners on the embedded broker, with an inbox in H2. */
class H2RabbitListenerTest extends RabbitListenerContract {

  @Override
  CachingConnectionFactory connections() {
    return Broker.embedded().connectionFactory();
  }

  @Override
  Map<String, Object> arguments() {
    return Map.of();
  }

  @Override
  DataSource newDatabase() {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    return dataSource;
  }
}
