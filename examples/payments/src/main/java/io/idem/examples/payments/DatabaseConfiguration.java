package io.idem.examples.payments;

import com.zaxxer.hikari.HikariDataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Chooses the database. One that the operator names with {@code spring.datasource.url} wins. */
@Configuration(proxyBeanMethods = false)
class DatabaseConfiguration {

  @Bean
  @Conditional(NoDatabaseNamed.class)
  LocalDatabase localDatabase(PaymentsProperties properties) {
    return switch (properties.store()) {
      case "h2" -> new H2Database(properties.dataDir());
      case "postgres" -> new PostgresDatabase(properties.dataDir());
      default ->
          throw new StartupProblem(
              "There is no store '" + properties.store() + "' (payments.store).",
              "Use h2 or postgres, or set spring.datasource.url to a database of your own.");
    };
  }

  /** Before the pool opens its first connection. */
  @Bean
  @Conditional(NoDatabaseNamed.class)
  static BeanPostProcessor poolSize(ObjectProvider<LocalDatabase> database) {
    return new BeanPostProcessor() {
      @Override
      public Object postProcessBeforeInitialization(Object bean, String name) {
        if (bean instanceof HikariDataSource pool) {
          pool.setMaximumPoolSize(database.getObject().maxConnections());
        }
        return bean;
      }
    };
  }

  /** Matches when no JDBC URL is configured. */
  static final class NoDatabaseNamed implements Condition {

    @Override
    public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
      return !context.getEnvironment().containsProperty("spring.datasource.url");
    }
  }
}
