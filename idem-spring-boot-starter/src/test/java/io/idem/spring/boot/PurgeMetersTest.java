package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.Idempotency;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceInitializationAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.jdbc.core.JdbcTemplate;

/** Purging as the meters show it. */
class PurgeMetersTest {

  private final ApplicationContextRunner application =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class,
                  IdempotencyJdbcAutoConfiguration.class,
                  IdempotencyMetricsAutoConfiguration.class,
                  DataSourceAutoConfiguration.class,
                  DataSourceInitializationAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
          .withPropertyValues(
              "spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1",
              "spring.datasource.type=" + HikariDataSource.class.getName(),
              "idem.purge-every=20ms");

  @Test
  void tableOfTwoStoresIsPurgedOnceAndItsLagIsKnown() {
    application.run(
        context -> {
          context.getBean(Idempotency.class).operation("pay").build().execute("k", () -> null);
          new JdbcTemplate(context.getBean(DataSource.class))
              .update("UPDATE idem_record SET expires_at = expires_at - 1000000000");
          MeterRegistry meters = context.getBean(MeterRegistry.class);

          awaitPurged(meters);

          assertThat(meters.find("idem.purge.records").counters())
              .extracting(Counter::getId)
              .flatExtracting(id -> id.getTags())
              .containsExactly(Tag.of("store", "JdbcIdempotencyStore"));
          assertThat(meters.get("idem.purge.lag").timeGauge().value(TimeUnit.SECONDS)).isZero();
          assertThat(
                  new JdbcTemplate(context.getBean(DataSource.class))
                      .queryForObject("SELECT count(*) FROM idem_record", Integer.class))
              .isZero();
        });
  }

  private static void awaitPurged(MeterRegistry meters) {
    long start = System.nanoTime();
    while (meters.find("idem.purge.records").counters().stream().mapToDouble(Counter::count).sum()
        < 1) {
      assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
      LockSupport.parkNanos(1_000_000);
    }
  }
}
