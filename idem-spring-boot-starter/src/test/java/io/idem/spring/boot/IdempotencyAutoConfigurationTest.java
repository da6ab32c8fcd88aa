package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.AbandonedPolicy;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Mode;
import io.idem.core.ResultCodecFactory;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.TransactionalStore;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.jdbc.JdbcSettings;
import io.idem.spring.IdempotencyDefaults;
import io.idem.spring.IdempotencyExceptionHandler;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.JacksonResultCodecFactory;
import io.idem.spring.SpringTransactionalStore;
import io.idem.testkit.TestPostgres;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceInitializationAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

class IdempotencyAutoConfigurationTest {

  private static final String POOL = "spring.datasource.type=" + HikariDataSource.class.getName();

  private static final AutoConfigurations IDEM =
      AutoConfigurations.of(
          IdempotencyAutoConfiguration.class,
          IdempotencyJdbcAutoConfiguration.class,
          IdempotencyMetricsAutoConfiguration.class,
          IdempotencyHealthAutoConfiguration.class,
          IdempotencyWebMvcAutoConfiguration.class);

  private final ApplicationContextRunner memory =
      new ApplicationContextRunner().withConfiguration(IDEM).withUserConfiguration(App.class);

  private final ApplicationContextRunner database =
      memory
          .withConfiguration(
              AutoConfigurations.of(
                  DataSourceAutoConfiguration.class,
                  DataSourceInitializationAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withPropertyValues("spring.datasource.url=" + h2(), POOL);

  @Test
  void withoutADataSourceKeysAreKeptInMemoryAndTheLogSaysSo() {
    List<String> log =
        toldBy(
            IdempotencyAutoConfiguration.class,
            () ->
                memory.run(
                    context -> {
                      assertThat(context).hasSingleBean(InMemoryStore.class);
                      assertThat(context).doesNotHaveBean(TransactionalStore.class);
                      assertThat(context.getBean(App.Service.class).run("k")).isEqualTo(1);
                      assertThat(context.getBean(App.Service.class).run("k")).isEqualTo(1);
                    }));

    assertThat(log)
        .singleElement()
        .asString()
        .startsWith("INFO ")
        .contains("in the memory of this process", "idem.store=memory");
  }

  @Test
  void memoryThatIsAskedForAndAnOwnStoreAreSaidToo() {
    assertThat(toldByEngine(memory.withPropertyValues("idem.store=memory")))
        .singleElement()
        .asString()
        .startsWith("INFO ")
        .contains("in the memory of this process");
    assertThat(toldByEngine(memory.withUserConfiguration(OwnStore.class)))
        .singleElement()
        .asString()
        .startsWith("INFO ")
        .contains("the application's own store", "InMemoryStore", "leased");
  }

  private static List<String> toldByEngine(ApplicationContextRunner application) {
    return toldBy(
        IdempotencyAutoConfiguration.class,
        () -> application.run(context -> assertThat(context).hasNotFailed()));
  }

  @Test
  void withADataSourceAndNoTransactionManagerOperationsAreLeasedAndTheLogSaysSo() {
    ApplicationContextRunner alone =
        memory
            .withConfiguration(AutoConfigurations.of(DataSourceAutoConfiguration.class))
            .withPropertyValues("spring.datasource.url=" + h2(), POOL);

    assertThat(toldByJdbc(alone))
        .hasSize(2)
        .last()
        .asString()
        .startsWith("INFO ")
        .contains("no transaction manager", "leased");
    assertThat(toldByJdbc(database)).singleElement().asString().contains("idem_record");
  }

  private static List<String> toldByJdbc(ApplicationContextRunner application) {
    return toldBy(
        IdempotencyJdbcAutoConfiguration.class,
        () ->
            application.run(
                context -> {
                  assertThat(context).getBean(IdempotencyStore.class).isNotNull();
                  assertThat(context.getBean(App.Service.class).run("k")).isEqualTo(1);
                }));
  }

  /** What a class logs meanwhile, from INFO on: level and text. */
  private static List<String> toldBy(Class<?> source, Runnable action) {
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger(source);
    logger.setLevel(Level.INFO);
    logger.addAppender(log);
    log.start();
    try {
      action.run();
    } finally {
      logger.detachAppender(log);
      logger.setLevel(null);
    }
    return log.list.stream()
        .map(event -> event.getLevel() + " " + event.getFormattedMessage())
        .toList();
  }

  @Test
  void withADataSourceKeysAreKeptInItAndTransactionsAreJoined() {
    database.run(
        context -> {
          assertThat(context)
              .getBean(IdempotencyStore.class)
              .isInstanceOf(JdbcIdempotencyStore.class);
          assertThat(context).hasSingleBean(SpringTransactionalStore.class);
          assertThat(context.getBean(App.Service.class).run("k")).isEqualTo(1);
          assertThat(context.getBean(App.Service.class).run("k")).isEqualTo(1);
          assertThat(
                  context
                      .getBean(JdbcTemplate.class)
                      .queryForObject("select count(*) from idem_record", Long.class))
              .isEqualTo(1);
          assertThat(mode(context)).isEqualTo(Mode.TRANSACTIONAL);
        });
  }

  @Test
  void withoutATransactionManagerOperationsAreLeased() {
    memory
        .withConfiguration(AutoConfigurations.of(DataSourceAutoConfiguration.class))
        .withPropertyValues("spring.datasource.url=" + h2(), POOL)
        .run(
            context -> {
              assertThat(context).hasSingleBean(JdbcIdempotencyStore.class);
              assertThat(context).doesNotHaveBean(TransactionalStore.class);
              assertThat(mode(context)).isEqualTo(Mode.LEASED);
            });
  }

  @Test
  void theRefusalOfAnUnprotectedListenerNamesTheModuleThatFits() {
    memory
        .withBean(KafkaPayments.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .hasMessageContainingAll("KafkaPayments", "Add idem-spring-kafka for"));
    memory
        .withBean(RabbitPayments.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .hasMessageContainingAll("RabbitPayments", "Add idem-spring-rabbit for"));
  }

  static class KafkaPayments {
    @KafkaListener(topics = "payments")
    @Idempotent
    public void pay(String order) {}
  }

  static class RabbitPayments {
    @RabbitListener(queues = "payments")
    @Idempotent
    public void pay(String order) {}
  }

  @Test
  void disabledNothingIsSetUp() {
    database
        .withPropertyValues("idem.enabled=false")
        .run(
            context -> {
              assertThat(context).hasNotFailed();
              assertThat(context).doesNotHaveBean(Idempotency.class);
              assertThat(context).doesNotHaveBean(IdempotencyStore.class);
              assertThat(context).doesNotHaveBean("idempotencyMeters");
              assertThat(context).doesNotHaveBean("idempotencyHealthIndicator");
            });
  }

  @Test
  void memoryMayBeAskedForInSpiteOfADataSource() {
    database
        .withPropertyValues("idem.store=memory")
        .run(
            context -> {
              assertThat(context).hasSingleBean(InMemoryStore.class);
              assertThat(context).doesNotHaveBean(JdbcBackend.class);
            });
  }

  @Test
  void beansOfTheApplicationWin() {
    database
        .withUserConfiguration(OwnStore.class)
        .run(
            context -> {
              assertThat(context).getBean(IdempotencyStore.class).isSameAs(OwnStore.STORE);
              assertThat(context).getBean(ResultCodecFactory.class).isSameAs(OwnStore.CODECS);
              assertThat(context).doesNotHaveBean(TransactionalStore.class);
              assertThat(mode(context)).isEqualTo(Mode.LEASED);
            });
    database
        .withPropertyValues("idem.jdbc.initialize-schema=never") // and needs no table
        .withUserConfiguration(OwnEngine.class)
        .run(context -> assertThat(context).getBean(Idempotency.class).isSameAs(OwnEngine.ENGINE));
  }

  @Test
  void classesThatAreAbsentAreDoneWithout() {
    database
        .withClassLoader(new FilteredClassLoader(JdbcIdempotencyStore.class))
        .run(context -> assertThat(context).hasSingleBean(InMemoryStore.class));
    memory
        .withClassLoader(new FilteredClassLoader(JsonMapper.class))
        .run(
            context -> {
              assertThat(context).doesNotHaveBean(JacksonResultCodecFactory.class);
              assertThat(context)
                  .getBean(ResultCodecFactory.class)
                  .isSameAs(ResultCodecFactory.basic());
            });
    memory
        .withClassLoader(new FilteredClassLoader(MeterRegistry.class, HealthIndicator.class))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(Idempotency.class));
  }

  @Test
  void propertiesBecomeTheDefaultsOfOperations() {
    memory
        .withPropertyValues("idem.retention=7d", "idem.lease=1m", "idem.wait-at-most=0")
        .run(
            context -> {
              assertThat(context.getBean(IdempotencyDefaults.class))
                  .isEqualTo(
                      new IdempotencyDefaults(
                          Duration.ofDays(7), Duration.ofMinutes(1), Duration.ZERO));
              assertThat(
                      context.getBean(Idempotency.class).operation("by hand").build().retention())
                  .isEqualTo(Duration.ofDays(7));
            });
    assertThat(new IdemJdbcProperties().getTable()).isEqualTo(JdbcSettings.DEFAULT_TABLE);
    assertRefused(memory.withPropertyValues("idem.lease=1ms"), "idem.lease", "100ms");
  }

  @Test
  void aMissingTableIsRefused() {
    assertRefused(
        database.withPropertyValues("idem.jdbc.initialize-schema=never"),
        "idem_record",
        "idem.jdbc.initialize-schema=always");
  }

  @Test
  void theTableOfAMigrationIsFound() {
    database
        .withPropertyValues(
            "idem.jdbc.initialize-schema=never",
            "spring.sql.init.schema-locations=classpath:io/idem/jdbc/schema/h2/V1__idem_record.sql",
            "spring.sql.init.mode=always")
        .run(
            context ->
                assertThat(context).hasNotFailed().hasSingleBean(JdbcIdempotencyStore.class));
  }

  @Test
  void theTableMayBePartitioned() {
    DataSource postgres = TestPostgres.shared().newDatabase();
    ApplicationContextRunner partitioned =
        database
            .withBean(DataSource.class, () -> postgres)
            .withPropertyValues("idem.jdbc.partition-width=12h", "idem.jdbc.partitions-ahead=5");
    partitioned
        .withPropertyValues("idem.jdbc.initialize-schema=always")
        .run(
            context -> {
              JdbcTemplate jdbc = new JdbcTemplate(postgres);
              String partitions =
                  "SELECT count(*) FROM pg_inherits WHERE inhparent = 'idem_record' :: regclass";
              assertThat(jdbc.queryForObject(partitions, Integer.class)).isEqualTo(3 + 6);
              jdbc.execute(
                  "CREATE TABLE past PARTITION OF idem_record FOR VALUES"
                      + " FROM ('0199c000-0000-0000-0000-000000000000')"
                      + " TO ('0199c400-0000-0000-0000-000000000000')");
              assertThat(context.getBean(SpringTransactionalStore.class).purgeExpired(10)).isZero();
              assertThat(jdbc.queryForObject(partitions, Integer.class)).isEqualTo(3 + 6);
            });
    partitioned
        .withPropertyValues("idem.jdbc.initialize-schema=never")
        .run(context -> assertThat(context).hasSingleBean(JdbcIdempotencyStore.class));
    assertRefused(
        database
            .withBean(DataSource.class, () -> postgres)
            .withPropertyValues("idem.jdbc.initialize-schema=never"),
        "partitioned",
        "idem.jdbc.partition-width");
    assertRefused(
        database.withPropertyValues("idem.jdbc.partition-width=1d"), "PostgreSQL only", "H2");
    assertRefused(
        partitioned.withPropertyValues("idem.jdbc.partition-width=1s"),
        "65.536",
        "idem.jdbc.partition-width");
  }

  @Test
  void connectionsMayBoundTheWaitOfClaims() {
    DataSource postgres = TestPostgres.shared().newDatabase();
    ApplicationContextRunner bounded =
        database
            .withBean(DataSource.class, () -> postgres)
            .withPropertyValues(
                "idem.jdbc.initialize-schema=always", "idem.jdbc.lock-wait=of-session");
    assertRefused(bounded, "have no lock_timeout", "connection-init-sql");
    JdbcTemplate jdbc = new JdbcTemplate(postgres);
    String name = jdbc.queryForObject("SELECT current_database()", String.class);
    jdbc.execute("ALTER DATABASE " + name + " SET lock_timeout = '2s'");
    bounded.run(context -> assertThat(context).hasSingleBean(JdbcIdempotencyStore.class));
    assertRefused(
        database.withPropertyValues("idem.jdbc.lock-wait=of-session"), "PostgreSQL only", "H2");
  }

  @Test
  void severalDataSourcesWithoutAPrimaryAreRefused() {
    assertRefused(
        memory.withUserConfiguration(TwoDataSources.class),
        "first, second",
        "idem.jdbc.data-source");
    assertRefused(
        memory
            .withUserConfiguration(TwoDataSources.class)
            .withPropertyValues("idem.jdbc.data-source=third"),
        "'third'",
        "first, second");
    memory
        .withUserConfiguration(TwoDataSources.class)
        .withPropertyValues("idem.jdbc.data-source=second")
        .run(
            context -> {
              assertThat(context.getBean(JdbcBackend.class).dataSource())
                  .isSameAs(context.getBean("second"));
              assertThat(context.getBean(SpringTransactionalStore.class).transactionManager())
                  .isSameAs(context.getBean("secondManager"));
            });
  }

  @Test
  void recordsApartFromThePrimaryDatabaseAreWarnedOf() {
    ApplicationContextRunner two = memory.withUserConfiguration(APrimaryDataSource.class);
    two.withPropertyValues("idem.jdbc.data-source=second")
        .run(context -> assertWarning(context, true));
    two.withPropertyValues("idem.jdbc.data-source=first")
        .run(context -> assertWarning(context, false));
    two.run(context -> assertWarning(context, false));
  }

  private static void assertWarning(AssertableApplicationContext context, boolean expected) {
    assertThat(context).hasNotFailed();
    assertThat(context.getBean(JdbcBackend.class).isApart(context.getBeanFactory()))
        .isEqualTo(expected);
  }

  @Test
  void aTransactionManagerOfAnotherDataSourceIsRefused() {
    assertRefused(
        memory
            .withUserConfiguration(TwoDataSources.class)
            .withPropertyValues(
                "idem.jdbc.data-source=second", "idem.jdbc.transaction-manager=firstManager"),
        "does not work on the data source");
  }

  @Test
  void jdbcWithoutADataSourceIsRefused() {
    assertRefused(
        memory.withPropertyValues("idem.store=jdbc"), "no DataSource", "spring.datasource.url");
  }

  @Test
  void aRefusalIsPrintedAsDescriptionAndAction() {
    FailureAnalysis analysis =
        new IdempotencySetupFailureAnalyzer()
            .analyze(
                new IllegalStateException(new IdempotencySetupException("It is so.", "Do this.")));

    assertThat(analysis.getDescription()).isEqualTo("It is so.");
    assertThat(analysis.getAction()).isEqualTo("Do this.");
  }

  @Test
  void decisionsAreCountedAndTimed() {
    memory
        .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
        .run(
            context -> {
              context.getBean(App.Service.class).run("k");
              context.getBean(App.Service.class).run("k");
              context.getBean(App.Service.class).run("k");
              MeterRegistry meters = context.getBean(MeterRegistry.class);
              assertThat(count(meters, "ran")).isEqualTo(1);
              assertThat(count(meters, "replayed")).isEqualTo(2);
              assertThat(meters.get("idem.requests").tag("decision", "ran").timer().count())
                  .isEqualTo(1);

              context
                  .getBean(Idempotency.class)
                  .operation("pay", String.class)
                  .onAbandoned(new AbandonedPolicy.Retry<>())
                  .build()
                  .execute(
                      IdempotentRequest.of("k"),
                      attempt -> attempt.step("charge", String.class, key -> key));
              assertThat(
                      meters.get("idem.steps").tags("operation", "pay", "decision", "ran").timer())
                  .returns(1L, Timer::count);
              assertThat(meters.get("idem.decisions").tag("operation", "pay").counter().count())
                  .as("a step is no request")
                  .isEqualTo(1);
            });
  }

  @Test
  void healthFollowsTheStore() {
    memory.run(context -> assertThat(health(context).getStatus()).isEqualTo(Status.UP));
    database.run(
        context -> {
          assertThat(health(context).getStatus()).isEqualTo(Status.UP);
          context.getBean(JdbcTemplate.class).execute("drop table idem_record");
          assertThat(health(context).getStatus()).isEqualTo(Status.DOWN);
        });
    database
        .withPropertyValues("management.health.idempotency.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean("idempotencyHealthIndicator"));
  }

  @Test
  void aWebApplicationAnswersExceptionsOfTheEngine() {
    new WebApplicationContextRunner()
        .withConfiguration(IDEM)
        .run(
            context -> {
              assertThat(context.getServletContext()).isNotNull();
              assertThat(context).hasSingleBean(IdempotencyExceptionHandler.class);
            });
    memory.run(context -> assertThat(context).doesNotHaveBean(IdempotencyExceptionHandler.class));
  }

  private static double count(MeterRegistry meters, String decision) {
    return meters
        .get("idem.decisions")
        .tags("operation", "Service.run", "decision", decision)
        .counter()
        .count();
  }

  private static Health health(AssertableApplicationContext context) {
    return context.getBean("idempotencyHealthIndicator", HealthIndicator.class).health();
  }

  private static Mode mode(AssertableApplicationContext context) {
    return context.getBean(Idempotency.class).operation("probe").build().mode();
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

  private static String h2() {
    return "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";
  }

  private static DataSource h2DataSource() {
    JdbcDataSource h2 = new JdbcDataSource();
    h2.setURL(h2());
    return h2;
  }

  @Configuration
  public static class App {

    @Bean
    Service service() {
      return new Service();
    }

    @Bean
    @Lazy
    JdbcTemplate jdbcTemplate(DataSource dataSource) {
      return new JdbcTemplate(dataSource);
    }

    public static class Service {
      private int runs;

      @Idempotent(key = "#key")
      @Transactional
      public int run(String key) {
        return ++runs;
      }
    }
  }

  @Configuration
  static class OwnStore {
    static final IdempotencyStore STORE = new InMemoryStore();
    static final ResultCodecFactory CODECS = new JacksonResultCodecFactory();

    @Bean
    IdempotencyStore store() {
      return STORE;
    }

    @Bean
    ResultCodecFactory codecs() {
      return CODECS;
    }
  }

  @Configuration
  static class OwnEngine {
    static final Idempotency ENGINE = Idempotency.inMemory();

    @Bean(destroyMethod = "")
    Idempotency engine() {
      return ENGINE;
    }
  }

  @Configuration
  static class APrimaryDataSource {

    @Bean
    @Primary
    DataSource first() {
      return h2DataSource();
    }

    @Bean
    DataSource second() {
      return h2DataSource();
    }

    @Bean
    @Primary
    PlatformTransactionManager firstManager() {
      return new JdbcTransactionManager(first());
    }

    @Bean
    PlatformTransactionManager secondManager() {
      return new JdbcTransactionManager(second());
    }
  }

  @Configuration
  static class TwoDataSources {

    @Bean
    DataSource first() {
      return h2DataSource();
    }

    @Bean
    DataSource second() {
      return h2DataSource();
    }

    @Bean
    @Primary
    PlatformTransactionManager firstManager() {
      return new JdbcTransactionManager(first());
    }

    @Bean
    PlatformTransactionManager secondManager() {
      return new JdbcTransactionManager(second());
    }
  }
}
