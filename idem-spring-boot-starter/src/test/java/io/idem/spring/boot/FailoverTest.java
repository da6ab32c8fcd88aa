package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.Execution;
import io.idem.core.FailoverStore;
import io.idem.core.FallbackPolicy;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Mode;
import io.idem.core.Recording;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.redis.RedisIdempotencyStore;
import io.idem.spring.IdempotencySetupException;
import io.idem.testkit.TestRedis;
import io.idem.testkit.Together;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;

/** A second store, as properties switch it on. */
class FailoverTest {

  private final ApplicationContextRunner bare =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class,
                  IdempotencyJdbcAutoConfiguration.class,
                  IdempotencyRedisAutoConfiguration.class,
                  IdempotencyFailoverAutoConfiguration.class,
                  IdempotencyHealthAutoConfiguration.class))
          .withPropertyValues("idem.namespace=" + UUID.randomUUID());

  private final ApplicationContextRunner withDatabase =
      bare.withConfiguration(
              AutoConfigurations.of(
                  DataSourceAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withPropertyValues(
              "spring.datasource.url=" + h2(),
              "spring.datasource.type=" + HikariDataSource.class.getName());

  private final ApplicationContextRunner both = withRedis(withDatabase, TestRedis.standalone());

  private static ApplicationContextRunner withRedis(ApplicationContextRunner app, String url) {
    return app.withConfiguration(AutoConfigurations.of(DataRedisAutoConfiguration.class))
        .withPropertyValues("spring.data.redis.url=" + url);
  }

  private static String h2() {
    return "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";
  }

  private static Execution<String> run(AssertableApplicationContext context, String key) {
    return context
        .getBean(Idempotency.class)
        .operation("charge", String.class)
        .mode(Mode.LEASED)
        .build()
        .execute(IdempotentRequest.of(key), attempt -> "done");
  }

  private static Health health(AssertableApplicationContext context) {
    return context.getBean("idempotencyHealthIndicator", HealthIndicator.class).health();
  }

  private static Failover failover(AssertableApplicationContext context) {
    return context.getBean(Failover.class);
  }

  @Test
  void byDefaultThereIsNone() {
    both.run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(Failover.class));
    both.withPropertyValues("idem.failover.fallback=none")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(Failover.class));
    both.withPropertyValues("idem.failover.fallback=redis", "idem.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(Failover.class));
  }

  @Test
  void aDatabaseHasRedisAsItsFallback() {
    both.withPropertyValues("idem.failover.fallback=redis")
        .run(
            context -> {
              assertThat(run(context, "k"))
                  .isEqualTo(new Execution.Ran<>("done", Recording.STORED));
              assertThat(run(context, "k")).isEqualTo(new Execution.Replayed<>("done"));
              assertThat(failover(context).policy()).isEqualTo(FallbackPolicy.REQUIRED);
              assertThat(failover(context).fallback()).isInstanceOf(RedisBackend.class);
              assertThat(context).hasSingleBean(IdempotencyStore.class);
              assertThat(health(context).getStatus()).isEqualTo(Status.UP);
              assertThat(health(context).getDetails()).containsOnlyKeys("primary", "fallback");
              // The primary goes: its table is no more.
              new JdbcTemplate(context.getBean(DataSource.class)).execute("drop table idem_record");
              assertThat(run(context, "k")).isEqualTo(new Execution.Replayed<>("done"));
              assertThat(run(context, "k2")).isInstanceOf(Execution.Ran.class);
              assertThat(run(context, "k2")).isEqualTo(new Execution.Replayed<>("done"));
              assertThat(failover(context).store().missedByPrimary()).isPositive();
              assertThat(health(context).getStatus()).isEqualTo(Status.UP);
              assertThat(health(context).getDetails().get("protection"))
                  .asString()
                  .contains("by the fallback alone");
            });
  }

  @Test
  void transactionalOperationsStayWithTheirDatabase() {
    both.withPropertyValues("idem.failover.fallback=redis")
        .withUserConfiguration(IdempotencyAutoConfigurationTest.App.class)
        .run(
            context -> {
              Idempotency idempotency = context.getBean(Idempotency.class);
              assertThat(idempotency.operation("probe").build().mode())
                  .isEqualTo(Mode.TRANSACTIONAL);
              context.getBean(IdempotencyAutoConfigurationTest.App.Service.class).run("k");
              JdbcTemplate jdbc = context.getBean(JdbcTemplate.class);
              assertThat(jdbc.queryForObject("select count(*) from idem_record", Integer.class))
                  .isEqualTo(1);
              assertThat(failover(context).store().grantedByOne()).isZero();
              jdbc.execute("drop table idem_record");
              assertThat(health(context).getStatus())
                  .as("they cannot run without it")
                  .isEqualTo(Status.DOWN);
            });
  }

  @Test
  void redisHasADatabaseAsItsFallback() {
    both.withPropertyValues("idem.store=redis", "idem.failover.fallback=jdbc")
        .run(
            context -> {
              assertThat(context.getBean(IdempotencyStore.class))
                  .isInstanceOf(RedisIdempotencyStore.class);
              assertThat(failover(context).fallback()).isInstanceOf(JdbcBackend.class);
              assertThat(run(context, "k")).isInstanceOf(Execution.Ran.class);
              assertThat(run(context, "k")).isEqualTo(new Execution.Replayed<>("done"));
              assertThat(context.getBean(Idempotency.class).operation("probe").build().mode())
                  .as("no transactional store came along")
                  .isEqualTo(Mode.LEASED);
              new JdbcTemplate(context.getBean(DataSource.class)).execute("drop table idem_record");
              assertThat(health(context).getStatus())
                  .as("the fallback is required")
                  .isEqualTo(Status.DOWN);
              assertThatExceptionOfType(StoreUnavailableException.class)
                  .isThrownBy(() -> run(context, "k2"));
              // It comes back, and the engine has nothing left to wait for when it closes.
              new JdbcSchema(context.getBean(DataSource.class), JdbcSettings.defaults())
                  .createIfAbsent();
              Together.await(
                  "the key is free again", () -> run(context, "k2") instanceof Execution.Ran);
            });
  }

  @Test
  void anOptionalFallbackMayBeDown() {
    both.withPropertyValues(
            "idem.store=redis", "idem.failover.fallback=jdbc", "idem.failover.policy=optional")
        .run(
            context -> {
              new JdbcTemplate(context.getBean(DataSource.class)).execute("drop table idem_record");
              assertThat(run(context, "k")).isInstanceOf(Execution.Ran.class);
              assertThat(health(context).getStatus()).isEqualTo(Status.UP);
              assertThat(health(context).getDetails().get("protection"))
                  .asString()
                  .contains("by the primary alone");
            });
  }

  @Test
  void aSecondDatabaseIsNamed() {
    ApplicationContextRunner two = bare.withUserConfiguration(TwoDataSources.class);
    two.withPropertyValues("idem.failover.fallback=jdbc", "idem.failover.data-source=spare")
        .run(
            context -> {
              assertThat(((JdbcBackend) failover(context).fallback()).dataSource())
                  .isSameAs(context.getBean("spare"));
              assertThat(run(context, "k")).isInstanceOf(Execution.Ran.class);
              for (String name : new String[] {"orders", "spare"}) {
                assertThat(
                        new JdbcTemplate(context.getBean(name, DataSource.class))
                            .queryForObject("select count(*) from idem_record", Integer.class))
                    .isEqualTo(1);
              }
            });
    assertRefused(
        two.withPropertyValues("idem.failover.fallback=jdbc"),
        "in that database already",
        "idem.failover.data-source",
        "redis");
    assertRefused(
        two.withPropertyValues("idem.failover.fallback=jdbc", "idem.failover.data-source=third"),
        "idem.failover.data-source is 'third'",
        "orders, spare");
  }

  @Test
  void whatCannotHoldIsRefused() {
    assertRefused(
        withRedis(bare, TestRedis.standalone()).withPropertyValues("idem.failover.fallback=redis"),
        "kept in that Redis already",
        "idem.store=jdbc");
    assertRefused(
        both.withPropertyValues("idem.store=memory", "idem.failover.fallback=redis"),
        "memory of this process",
        "idem.store");
    assertRefused(
        withDatabase.withPropertyValues("idem.failover.fallback=redis"),
        "no Lettuce connection factory",
        "spring.data.redis");
    assertRefused(
        both.withPropertyValues("idem.failover.fallback=redis")
            .withClassLoader(new FilteredClassLoader("io.idem.redis")),
        "idem-redis is not on the class path",
        "Add idem-redis");
    assertRefused(
        withRedis(bare, TestRedis.standalone()).withPropertyValues("idem.failover.fallback=jdbc"),
        "no DataSource",
        "spring.datasource.url");
    assertRefused(
        both.withPropertyValues("idem.failover.fallback=redis", "idem.purge-every=0"),
        "idem.purge-every is 0");
    assertRefused(
        withRedis(withDatabase, "redis://127.0.0.1:1")
            .withPropertyValues("idem.failover.fallback=redis"),
        "The fallback store",
        "cannot be reached");
    assertRefused(
        both.withPropertyValues("idem.failover.fallback=redis")
            .withBean(
                "own",
                IdempotencyStore.class,
                () -> new FailoverStore(new InMemoryStore(), new InMemoryStore())),
        "a FailoverStore already",
        "Remove the property");
  }

  @Test
  void theApplicationsOwnStoreIsThePrimaryAndItsOwnEngineWins() {
    Flaky own = new Flaky();
    withRedis(bare, TestRedis.standalone())
        .withBean("own", IdempotencyStore.class, () -> own)
        .withPropertyValues("idem.failover.fallback=redis")
        .run(
            context -> {
              own.down = true;
              assertThat(run(context, "k")).isInstanceOf(Execution.Ran.class);
              assertThat(own.claims).hasValue(1);
            });
    withRedis(bare, "redis://127.0.0.1:1") // nobody asks it
        .withBean("own", Idempotency.class, Idempotency::inMemory)
        .withPropertyValues("idem.failover.fallback=redis")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void eachStoreHasABreakerOfItsOwn() {
    Flaky own = new Flaky();
    withRedis(bare, TestRedis.standalone())
        .withBean("own", IdempotencyStore.class, () -> own)
        .withPropertyValues(
            "idem.failover.fallback=redis",
            "idem.circuit-breaker.enabled=true",
            "idem.circuit-breaker.calls=3")
        .run(
            context -> {
              own.down = true;
              for (int i = 0; i < 10; i++) {
                assertThat(run(context, "k" + i)).isInstanceOf(Execution.Ran.class);
              }
              assertThat(own.claims).as("held back after a while").hasValueBetween(1, 3);
            });
  }

  @Test
  void whatAStoreMissesIsCounted() {
    Flaky own = new Flaky();
    withRedis(bare, TestRedis.standalone())
        .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
        .withBean("own", IdempotencyStore.class, () -> own)
        .withPropertyValues("idem.failover.fallback=redis")
        .run(
            context -> {
              MeterRegistry meters = context.getBean(MeterRegistry.class);
              own.down = true;
              run(context, "k");
              assertThat(missed(meters, "primary")).isEqualTo(2);
              assertThat(missed(meters, "fallback")).isZero();
              assertThat(meters.get("idem.failover.granted.by.one").functionCounter().count())
                  .isEqualTo(1);
              assertThat(meters.get("idem.failover.owed").gauge().value()).isEqualTo(1);
              assertThat(meters.get("idem.failover.given.up").functionCounter().count()).isZero();
            });
    both.withPropertyValues("idem.failover.fallback=redis")
        .withClassLoader(new FilteredClassLoader("io.micrometer"))
        .run(context -> assertThat(run(context, "k2")).isInstanceOf(Execution.Ran.class));
  }

  private static double missed(MeterRegistry meters, String store) {
    return meters.get("idem.failover.missed").tag("store", store).functionCounter().count();
  }

  private static void assertRefused(ApplicationContextRunner runner, String... message) {
    runner.run(
        context -> {
          assertThat(context).hasFailed();
          Throwable at = context.getStartupFailure();
          while (at != null && !(at instanceof IdempotencySetupException)) {
            at = at.getCause();
          }
          assertThat(at).as("the refusal").isNotNull().hasMessageContainingAll(message);
        });
  }

  @Configuration
  static class TwoDataSources {

    @Bean
    @Primary
    DataSource orders() {
      return dataSource();
    }

    @Bean
    DataSource spare() {
      return dataSource();
    }

    private static DataSource dataSource() {
      JdbcDataSource dataSource = new JdbcDataSource();
      dataSource.setURL(h2());
      return dataSource;
    }
  }

  private static final class Flaky implements IdempotencyStore {
    private final InMemoryStore memory = new InMemoryStore();
    final AtomicInteger claims = new AtomicInteger();
    volatile boolean down;

    private <R> R up(Supplier<R> call) {
      if (down) {
        throw new StoreUnavailableException("down", null);
      }
      return call.get();
    }

    @Override
    public Claim claim(ClaimRequest request) {
      claims.incrementAndGet();
      return up(() -> memory.claim(request));
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return up(() -> memory.complete(lease, outcome, retention));
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return up(() -> memory.release(lease));
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return up(() -> memory.renew(lease, leaseFor));
    }
  }
}
