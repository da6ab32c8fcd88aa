package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.audit.AuditingDataSource;
import io.idem.audit.EntryPoint.Protection;
import io.idem.audit.OperationTracker;
import io.idem.audit.StatementAudit;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ReactiveWebApplicationContextRunner;
import org.springframework.boot.webflux.autoconfigure.HttpHandlerAutoConfiguration;
import org.springframework.boot.webflux.autoconfigure.WebFluxAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;

/** When the audit is there, and what of it. */
class AuditStartupTest {

  private final ApplicationContextRunner plain =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class, IdempotencyAuditAutoConfiguration.class));

  @Test
  void byDefaultThereIsAReportAndNoStatementIsWatched() {
    plain.run(
        context -> {
          assertThat(context).hasNotFailed().hasSingleBean(EntryPointAudit.class);
          assertThat(context).doesNotHaveBean(StatementAudit.class);
          assertThat(context.getBean(EntryPointAudit.class).entryPoints().summary())
              .isEqualTo("0 endpoints, 0 listeners");
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"idem.enabled=false", "idem.audit.enabled=false"})
  void itCanBeSwitchedOff(String property) {
    plain
        .withPropertyValues(property, "idem.audit.statements.enabled=true")
        .run(
            context ->
                assertThat(context)
                    .hasNotFailed()
                    .doesNotHaveBean(EntryPointAudit.class)
                    .doesNotHaveBean(StatementAudit.class));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "io.idem.audit",
        "org.springframework.boot.actuate",
        "org.springframework.kafka",
        "io.idem.webflux"
      })
  void itDoesWithoutWhatIsOptional(String absent) {
    plain
        .withClassLoader(new FilteredClassLoader(absent))
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void dataSourcesAreAuditedOnceOnDemand() {
    plain
        .withConfiguration(AutoConfigurations.of(DataSourceAutoConfiguration.class))
        .withUserConfiguration(Proxied.class)
        .withPropertyValues(
            "spring.datasource.url=jdbc:h2:mem:audited", "idem.audit.statements.enabled=true")
        .run(
            context -> {
              assertThat(context).hasNotFailed().hasSingleBean(OperationTracker.class);
              assertThat(context.getBean("dataSource")).isInstanceOf(AuditingDataSource.class);
              assertThat(context.getBean("proxied"))
                  .isInstanceOf(TransactionAwareDataSourceProxy.class);
            });
  }

  @Configuration(proxyBeanMethods = false)
  static class Proxied {

    @Bean(autowireCandidate = false)
    DataSource proxied(DataSource dataSource) {
      return new TransactionAwareDataSourceProxy(dataSource);
    }
  }

  @Test
  void aReactiveApplicationIsListedAsWell() {
    new ReactiveWebApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                HttpHandlerAutoConfiguration.class,
                WebFluxAutoConfiguration.class,
                IdempotencyAutoConfiguration.class,
                IdempotencyWebFluxAutoConfiguration.class,
                IdempotencyAuditAutoConfiguration.class))
        .withBean(com.example.shop.ReactiveOrders.class)
        .run(
            context -> {
              assertThat(context).hasNotFailed();
              assertThat(context.getBean(EntryPointAudit.class).entryPoints().all())
                  .extracting(each -> each.protection() + " " + each.name())
                  .containsExactly(
                      Protection.UNPROTECTED + " PATCH /orders",
                      Protection.PROTECTED + " POST /orders");
            });
  }
}
