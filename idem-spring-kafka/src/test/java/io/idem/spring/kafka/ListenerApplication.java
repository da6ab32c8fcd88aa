package io.idem.spring.kafka;

import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.SpringTransactionalStore;
import io.idem.testkit.Effects;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.MapPropertySource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.transaction.PlatformTransactionManager;

/** What applications with listeners have in common: an inbox in Spring's transactions. */
@Configuration(proxyBeanMethods = false)
@EnableKafka
@EnableIdempotency
@Import(IdempotentKafkaConfiguration.class)
class ListenerApplication {

  /**
   * Starts an application, which imports this one, on an empty database.
   *
   * @param run what its topics and groups are named by, as the property {@code run}
   */
  static AnnotationConfigApplicationContext start(
      DataSource database, String run, Class<?> application) throws SQLException {
    new JdbcSchema(database, JdbcSettings.defaults()).createIfAbsent();
    Effects effects = new Effects(database, JdbcTransactionalStore::new);
    AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource("test", Map.of("run", run)));
    context.registerBean(DataSource.class, () -> database);
    context.registerBean(Effects.class, () -> effects);
    context.register(application);
    context.refresh();
    return context;
  }

  @Bean
  PlatformTransactionManager transactions(DataSource dataSource) {
    return new JdbcTransactionManager(dataSource);
  }

  @Bean
  SpringTransactionalStore store(PlatformTransactionManager transactions, DataSource dataSource) {
    return new SpringTransactionalStore(
        transactions, dataSource, Dialect.of(dataSource), JdbcSettings.defaults());
  }

  @Bean(destroyMethod = "close")
  Idempotency idempotency(SpringTransactionalStore store, Effects effects) {
    return effects.engine(store);
  }
}
