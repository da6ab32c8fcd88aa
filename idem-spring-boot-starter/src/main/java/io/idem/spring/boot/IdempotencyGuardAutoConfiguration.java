package io.idem.spring.boot;

import io.idem.guard.jdbc.JdbcGuards;
import io.idem.http.HttpIdempotency;
import io.idem.jdbc.Dialect;
import io.idem.spring.GuardExceptionHandler;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.SpringJdbcTransactions;
import io.idem.spring.WrappedGuardExceptions;
import io.idem.webflux.WebFluxGuardExceptionHandler;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.web.reactive.DispatcherHandler;
import org.springframework.web.servlet.DispatcherServlet;

/**
 * Auto-configuration of business guards in the application's database, and of what they are
 * answered with over HTTP.
 *
 * <p>The guards join Spring's transactions. They are a lazy bean: an application that asks for none
 * may have a database that they do not know. They are made after the database has been initialized,
 * by Flyway, Liquibase or scripts.
 */
@AutoConfiguration(
    after = IdempotencyAutoConfiguration.class,
    afterName = {
      "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
      "org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration",
      "org.springframework.boot.hibernate.autoconfigure.HibernateJpaAutoConfiguration",
      "org.springframework.boot.transaction.jta.autoconfigure.JtaAutoConfiguration"
    })
@ConditionalOnBooleanProperty(
    name = {"idem.enabled", "idem.guard.enabled"},
    matchIfMissing = true)
@ConditionalOnClass(JdbcGuards.class)
public final class IdempotencyGuardAutoConfiguration {

  /** Creates the configuration. */
  IdempotencyGuardAutoConfiguration() {}

  /** In Spring's transactions. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({
    DataSourceUtils.class,
    PlatformTransactionManager.class,
    DependsOnDatabaseInitialization.class
  })
  @ConditionalOnBean({DataSource.class, PlatformTransactionManager.class})
  @EnableConfigurationProperties({IdemGuardProperties.class, IdemProperties.class})
  static class InDatabase {

    @Bean
    @Lazy
    @DependsOnDatabaseInitialization
    @ConditionalOnMissingBean
    JdbcGuards idempotencyJdbcGuards(
        IdemGuardProperties properties,
        IdemProperties idem,
        ConfigurableListableBeanFactory beans) {
      DataSource dataSource = dataSource(properties, idem.getJdbc(), beans);
      PlatformTransactionManager manager =
          transactionManager(properties, idem.getJdbc(), dataSource, beans);
      try {
        Dialect.of(dataSource);
      } catch (IllegalStateException e) {
        throw new IdempotencySetupException(
            e.getMessage() + ".",
            "Business guards know the same databases: name the DataSource of one with"
                + " idem.guard.data-source, or let no bean ask for JdbcGuards.",
            e);
      }
      return JdbcGuards.of(new SpringJdbcTransactions(manager, dataSource));
    }

    private static DataSource dataSource(
        IdemGuardProperties properties, IdemJdbcProperties records, ListableBeanFactory beans) {
      boolean own = properties.getDataSource() != null;
      return Databases.dataSource(
          beans,
          own ? "idem.guard.data-source" : "idem.jdbc.data-source",
          own ? properties.getDataSource() : records.getDataSource(),
          "Name the one that holds the guarded rows with idem.guard.data-source, or declare"
              + " beans of type JdbcGuards yourself.");
    }

    private static PlatformTransactionManager transactionManager(
        IdemGuardProperties properties,
        IdemJdbcProperties records,
        DataSource dataSource,
        ListableBeanFactory beans) {
      @Nullable PlatformTransactionManager ofRecords =
          records.getTransactionManager() == null
              ? null
              : NamedBeans.get(
                  beans,
                  PlatformTransactionManager.class,
                  "idem.jdbc.transaction-manager",
                  records.getTransactionManager());
      if (properties.getTransactionManager() == null) {
        return ofRecords != null && SpringJdbcTransactions.worksOn(ofRecords, dataSource)
            ? ofRecords
            : Databases.transactionManager(
                beans,
                dataSource,
                "the guarded rows",
                "Name the one that guards run in with idem.guard.transaction-manager, and its"
                    + " DataSource with idem.guard.data-source.");
      }
      PlatformTransactionManager named =
          NamedBeans.get(
              beans,
              PlatformTransactionManager.class,
              "idem.guard.transaction-manager",
              properties.getTransactionManager());
      if (!SpringJdbcTransactions.worksOn(named, dataSource)) {
        throw new IdempotencySetupException(
            "idem.guard.transaction-manager is '"
                + properties.getTransactionManager()
                + "', which does not work on the DataSource of the guarded rows.",
            "Name the transaction manager of that DataSource, or its DataSource with"
                + " idem.guard.data-source.");
      }
      return named;
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnBooleanProperty(name = "idem.guard.problems", matchIfMissing = true)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
  @ConditionalOnClass({DispatcherServlet.class, HttpIdempotency.class})
  static class ForMvc {

    @Bean
    @ConditionalOnMissingBean
    GuardExceptionHandler guardExceptionHandler(ObjectProvider<HttpIdempotency> protocol) {
      return new GuardExceptionHandler(protocol.getIfAvailable(HttpIdempotency::new));
    }

    @Bean
    static WrappedGuardExceptions wrappedGuardExceptions(ApplicationContext context) {
      return new WrappedGuardExceptions(context);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnBooleanProperty(name = "idem.guard.problems", matchIfMissing = true)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
  @ConditionalOnClass({DispatcherHandler.class, WebFluxGuardExceptionHandler.class})
  static class ForWebFlux {

    @Bean
    @ConditionalOnMissingBean
    WebFluxGuardExceptionHandler guardExceptionHandler(ObjectProvider<HttpIdempotency> protocol) {
      return new WebFluxGuardExceptionHandler(protocol.getIfAvailable(HttpIdempotency::new));
    }
  }
}
