package io.idem.spring.boot;

import io.idem.audit.AuditingDataSource;
import io.idem.audit.EntryPoint;
import io.idem.audit.EntryPoints;
import io.idem.audit.OperationTracker;
import io.idem.audit.StatementAudit;
import io.idem.audit.UniqueKeys;
import io.idem.spring.IdempotentMethods;
import io.idem.spring.WebEndpoints;
import io.idem.webflux.WebFluxEndpoints;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Role;
import org.springframework.context.event.ContextRefreshedEvent;
import org.springframework.core.env.Environment;
import org.springframework.web.reactive.DispatcherHandler;
import org.springframework.web.servlet.DispatcherServlet;

/**
 * Auto-configuration of the audit, where {@code idem-audit} is there: one line at start-up about
 * what the application exposes, the actuator endpoint {@code idempotency}, and on demand an audit
 * of the statements of all data sources.
 */
@AutoConfiguration(
    after = {
      IdempotencyAutoConfiguration.class,
      IdempotencyWebMvcAutoConfiguration.class,
      IdempotencyWebFluxAutoConfiguration.class
    })
@ConditionalOnBooleanProperty(
    name = {"idem.enabled", "idem.audit.enabled"},
    matchIfMissing = true)
@ConditionalOnClass(EntryPoints.class)
@ConditionalOnBean(IdempotentMethods.class)
@EnableConfigurationProperties(IdemAuditProperties.class)
public final class IdempotencyAuditAutoConfiguration {

  private static final Logger log =
      LoggerFactory.getLogger(IdempotencyAuditAutoConfiguration.class);

  /** Creates the configuration. */
  IdempotencyAuditAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  EntryPointAudit idempotencyEntryPointAudit(
      IdempotentMethods methods,
      ObjectProvider<EntryPointAudit.Handlers> handlers,
      ObjectProvider<ListenerProtection> protections,
      ConfigurableListableBeanFactory beans,
      IdemAuditProperties properties) {
    return new EntryPointAudit(
        methods,
        handlers.orderedStream().toList(),
        new MessageListeners(beans),
        protections.orderedStream().toList(),
        properties.getIgnoredPackages());
  }

  @Bean
  ApplicationListener<ContextRefreshedEvent> idempotencyAuditReport(
      ObjectProvider<EntryPointAudit> audit, IdemAuditProperties properties) {
    return event -> {
      EntryPointAudit found = audit.getIfAvailable();
      if (found != null) {
        report(found, properties.isWarnUnprotected());
      }
    };
  }

  /** A report must not keep an application from starting. */
  private static void report(EntryPointAudit audit, boolean warn) {
    try {
      EntryPoints found = audit.entryPoints();
      log.info("Idempotency of what the application exposes: {}", found.summary());
      if (warn) {
        for (EntryPoint each : found.unprotected()) {
          log.warn(
              "Nothing makes {} idempotent, handled by {}: {}",
              each.name(),
              each.handler(),
              each.how());
        }
      }
    } catch (RuntimeException e) {
      log.warn("What the application exposes cannot be listed", e);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
  @ConditionalOnClass(DispatcherServlet.class)
  static class ServletConfiguration {

    @Bean
    EntryPointAudit.Handlers idempotencyServletHandlers(
        ConfigurableListableBeanFactory beans, ObjectProvider<WebEndpoints> endpoints) {
      return () -> new ServletHandlers(beans, endpoints.getIfAvailable()).all();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
  @ConditionalOnClass({DispatcherHandler.class, WebFluxEndpoints.class})
  static class ReactiveConfiguration {

    @Bean
    EntryPointAudit.Handlers idempotencyReactiveHandlers(
        ConfigurableListableBeanFactory beans, ObjectProvider<WebFluxEndpoints> endpoints) {
      return () -> new ReactiveHandlers(beans, endpoints.getIfAvailable()).all();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({Endpoint.class, ConditionalOnAvailableEndpoint.class})
  static class ActuatorConfiguration {

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnAvailableEndpoint(IdempotencyEndpoint.class)
    IdempotencyEndpoint idempotencyEndpoint(
        EntryPointAudit entryPoints, ObjectProvider<StatementAudit> statements) {
      return new IdempotencyEndpoint(entryPoints, statements.getIfAvailable());
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnBooleanProperty(name = "idem.audit.statements.enabled")
  static class StatementConfiguration {

    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
    static OperationTracker idempotencyOperationTracker() {
      return new OperationTracker();
    }

    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
    @ConditionalOnMissingBean
    static StatementAudit idempotencyStatementAudit(
        OperationTracker operations, ObjectProvider<UniqueKeys> keys, Environment environment) {
      IdemAuditProperties.Statements properties =
          Binder.get(environment)
              .bindOrCreate("idem.audit", IdemAuditProperties.class)
              .getStatements();
      return StatementAudit.builder(operations)
          .uniqueKeys(keys.getIfAvailable(UniqueKeys::none))
          .harmlessColumns(List.copyOf(properties.getHarmlessColumns()))
          .frameworks(properties.getFrameworks())
          .reportUnknown(properties.isReportUnknown())
          .maxFindings(properties.getMaxFindings())
          .build();
    }

    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
    static BeanPostProcessor idempotencyAuditingDataSources(ObjectProvider<StatementAudit> audit) {
      return new BeanPostProcessor() {
        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
          return bean instanceof DataSource dataSource && !isAudited(dataSource)
              ? new AuditingDataSource(dataSource, audit.getObject())
              : bean;
        }
      };
    }

    /** Also behind a proxy that is a bean of its own: nothing is to be seen twice. */
    private static boolean isAudited(DataSource dataSource) {
      try {
        return dataSource.isWrapperFor(AuditingDataSource.class);
      } catch (SQLException | RuntimeException e) {
        log.debug("Whether {} is audited already cannot be told", dataSource, e);
        return false;
      }
    }
  }
}
