package io.idem.spring.boot;

import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.TransactionalStore;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.spring.SpringTransactionalStore;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Lazy;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * Auto-configuration of the stores in the application's database.
 *
 * <p>Its beans are lazy: an application that declares an engine of its own, and does not ask for
 * them, needs no table. They are made after the database has been initialized, by Flyway, Liquibase
 * or scripts.
 */
@AutoConfiguration(
    afterName = {
      "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
      "org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration",
      "org.springframework.boot.hibernate.autoconfigure.HibernateJpaAutoConfiguration",
      "org.springframework.boot.transaction.jta.autoconfigure.JtaAutoConfiguration"
    })
@ConditionalOnBooleanProperty(name = "idem.enabled", matchIfMissing = true)
@ConditionalOnClass({
  JdbcIdempotencyStore.class,
  DataSourceUtils.class,
  PlatformTransactionManager.class,
  DependsOnDatabaseInitialization.class
})
@ConditionalOnBean(DataSource.class)
@Conditional(IdempotencyJdbcAutoConfiguration.OnJdbc.class)
@EnableConfigurationProperties(IdemProperties.class)
public final class IdempotencyJdbcAutoConfiguration {

  /** The name of the bean that the stores are made of. */
  static final String BACKEND = "idempotencyJdbcBackend";

  /** The name of the bean of the leased store. */
  static final String STORE = "idempotencyJdbcStore";

  /** The name of the bean of the transactional store. */
  static final String TRANSACTIONAL_STORE = "idempotencyTransactionalStore";

  private static final Logger log = LoggerFactory.getLogger(IdempotencyJdbcAutoConfiguration.class);

  /** Creates the configuration. */
  IdempotencyJdbcAutoConfiguration() {}

  @Bean(BACKEND)
  @Lazy
  @DependsOnDatabaseInitialization
  JdbcBackend idempotencyJdbcBackend(
      IdemProperties properties, ConfigurableListableBeanFactory beans) {
    return JdbcBackend.find(properties.getJdbc(), beans);
  }

  @Bean(STORE)
  @Lazy
  @ConditionalOnMissingBean(IdempotencyStore.class)
  JdbcIdempotencyStore idempotencyJdbcStore(
      JdbcBackend backend, IdemProperties properties, ConfigurableListableBeanFactory beans) {
    String name = properties.getJdbc().getDataSource();
    log.info(
        "Idempotency keys are kept in the table {} of {} ({})",
        backend.settings().table(),
        name == null ? "the application's database" : "the database of '" + name + "'",
        backend.dialect());
    if (beans.getBeanNamesForType(TransactionalStore.class, true, false).length == 0) {
      log.info(
          "The application has no transaction manager, so operations are leased: what a failed run"
              + " has written stays, and an exception leaves its key unresolved unless the operation"
              + " says otherwise. Declare one on that DataSource to commit records with the data");
    } else if (backend.isApart(beans)) {
      log.warn(
          "The records of transactional operations are in the database of '{}', which is not the"
              + " application's primary DataSource. Only what an operation writes in that database is"
              + " committed and rolled back with its record: run it in a transaction there"
              + " (@Transactional with its manager), or declare mode = LEASED",
          name);
    }
    return new JdbcIdempotencyStore(backend.dataSource(), backend.dialect(), backend.settings());
  }

  @Bean(TRANSACTIONAL_STORE)
  @Lazy
  @ConditionalOnMissingBean(TransactionalStore.class)
  @ConditionalOnBean(PlatformTransactionManager.class)
  SpringTransactionalStore idempotencyTransactionalStore(
      JdbcBackend backend, IdemProperties properties, ConfigurableListableBeanFactory beans) {
    return new SpringTransactionalStore(
        JdbcBackend.transactionManager(properties.getJdbc(), backend.dataSource(), beans),
        backend.dataSource(),
        backend.dialect(),
        backend.settings());
  }

  /** Asked for, or there is a DataSource and no other store. */
  static final class OnJdbc extends AnyNestedCondition {

    OnJdbc() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnProperty(name = "idem.store", havingValue = "jdbc")
    static final class AskedFor {}

    @ConditionalOnProperty(name = "idem.store", havingValue = "auto", matchIfMissing = true)
    @ConditionalOnMissingBean(IdempotencyStore.class)
    static final class Found {}
  }
}
