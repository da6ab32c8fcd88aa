package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.BatchBody;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.TransactionalStore;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.redis.LettuceRedis;
import io.idem.redis.RedisIdempotencyStore;
import io.idem.redis.RedisSettings;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
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
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.env.Environment;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.RedisCallback;
import org.springframework.data.redis.core.StringRedisTemplate;

/** When Redis is taken, what is asked of it, and what is refused. */
class RedisStoreTest {

  private static final AutoConfigurations IDEM =
      AutoConfigurations.of(
          IdempotencyAutoConfiguration.class,
          IdempotencyJdbcAutoConfiguration.class,
          IdempotencyRedisAutoConfiguration.class,
          IdempotencyHealthAutoConfiguration.class);

  private final ApplicationContextRunner bare =
      new ApplicationContextRunner()
          .withConfiguration(IDEM)
          .withUserConfiguration(IdempotencyAutoConfigurationTest.App.class);

  private final ApplicationContextRunner redis = at(TestRedis.standalone());

  private final ApplicationContextRunner both =
      redis
          .withConfiguration(
              AutoConfigurations.of(
                  DataSourceAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withPropertyValues(
              "spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1",
              "spring.datasource.type=" + HikariDataSource.class.getName());

  private ApplicationContextRunner at(String url) {
    return bare.withConfiguration(AutoConfigurations.of(DataRedisAutoConfiguration.class))
        .withPropertyValues("spring.data.redis.url=" + url, "idem.namespace=" + UUID.randomUUID());
  }

  @Test
  void withoutADataSourceRedisIsTakenAndTheLogSaysSo() {
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger("io.idem.spring.boot");
    logger.setLevel(Level.INFO);
    logger.addAppender(log);
    log.start();
    try {
      redis.run(
          context -> {
            assertThat(store(context)).isInstanceOf(RedisIdempotencyStore.class);
            assertThat(context).doesNotHaveBean(TransactionalStore.class);
            assertThat(run(context)).isEqualTo(1);
            assertThat(run(context)).isEqualTo(1);
          });
      both.run(context -> assertThat(context).hasNotFailed());
    } finally {
      logger.detachAppender(log);
      logger.setLevel(null);
    }
    assertThat(log.list)
        .extracting(ILoggingEvent::getFormattedMessage)
        .satisfiesExactly(
            line -> assertThat(line).contains("kept in Redis", "'idem:'", "leased"),
            line -> assertThat(line).contains("kept in the table idem_record", "database"));
  }

  @Test
  void aDataSourceGoesBeforeRedisUnlessRedisIsAskedFor() {
    both.run(
        context -> {
          assertThat(store(context)).isInstanceOf(JdbcIdempotencyStore.class);
          assertThat(context).doesNotHaveBean(RedisBackend.class);
          assertThat(context.getBean(Idempotency.class).operation("probe").build().mode())
              .isEqualTo(Mode.TRANSACTIONAL);
        });
    both.withPropertyValues("idem.store=redis")
        .run(
            context -> {
              assertThat(store(context)).isInstanceOf(RedisIdempotencyStore.class);
              assertThat(context).doesNotHaveBean(JdbcBackend.class);
              assertThat(context).doesNotHaveBean(TransactionalStore.class);
            });
  }

  @Test
  void anotherStoreMayBeAskedForInSpiteOfRedis() {
    redis
        .withPropertyValues("idem.store=memory")
        .run(context -> assertThat(store(context)).isInstanceOf(InMemoryStore.class));
    IdempotencyStore own = new InMemoryStore();
    at("redis://127.0.0.1:1") // nobody asks it
        .withBean("own", IdempotencyStore.class, () -> own)
        .run(context -> assertThat(store(context)).isSameAs(own));
    at("redis://127.0.0.1:1")
        .withBean("own", Idempotency.class, Idempotency::inMemory)
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(Idempotency.class));
  }

  @Test
  void redisThatIsAskedForAndNotThereIsRefused() {
    String[] message = {"idem.store is redis", "idem-redis", "spring.data.redis"};
    assertRefused(bare.withPropertyValues("idem.store=redis"), message);
    ApplicationContextRunner withoutModule =
        redis.withClassLoader(new FilteredClassLoader(LettuceRedis.class.getPackageName()));
    assertRefused(withoutModule.withPropertyValues("idem.store=redis"), message);
    withoutModule.run(context -> assertThat(store(context)).isInstanceOf(InMemoryStore.class));
    redis
        .withClassLoader(new FilteredClassLoader("io.lettuce", "org.springframework.data.redis"))
        .run(context -> assertThat(store(context)).isInstanceOf(InMemoryStore.class));
  }

  @Test
  void aTransactionalOperationIsRefused() {
    redis
        .withUserConfiguration(TransactionalApp.class)
        .run(
            context ->
                assertThat(NestedExceptionUtils.getMostSpecificCause(context.getStartupFailure()))
                    .hasMessageContainingAll(
                        "'TransactionalService.pay'", "no transactional store", "LEASED"));
  }

  @Test
  void propertiesReachTheStore() {
    String prefix = "t" + UUID.randomUUID() + ":";
    redis
        .withPropertyValues(
            "idem.redis.prefix=" + prefix,
            "idem.redis.forget-unfinished-after=7d",
            "idem.redis.wake-waiters=false",
            "idem.redis.require-no-eviction=true")
        .run(
            context -> {
              assertThat(context.getBean(RedisBackend.class).settings())
                  .isEqualTo(new RedisSettings(prefix, Duration.ofDays(7), false, true));
              run(context);
              assertThat(context.getBean(StringRedisTemplate.class).keys(prefix + "*")).hasSize(1);
            });
    assertThat(new IdemRedisProperties().getPrefix()).isEqualTo(RedisSettings.DEFAULT_PREFIX);
    assertThat(new IdemRedisProperties().getTimeout()).isEqualTo(LettuceRedis.DEFAULT_TIMEOUT);
    assertRefused(redis.withPropertyValues("idem.redis.prefix={a}"), "'{a}'", "idem.redis.prefix");
    assertRefused(redis.withPropertyValues("idem.redis.timeout=0"), "idem.redis.timeout");
  }

  @Test
  void aServerThatMayEvictKeysIsRefusedIfThatIsAskedFor() {
    try (TestRedis.Server evicting = TestRedis.start("maxmemory-policy allkeys-lru")) {
      at(evicting.url()).run(context -> assertThat(context).hasNotFailed());
      assertRefused(
          at(evicting.url()).withPropertyValues("idem.redis.require-no-eviction=true"),
          "'allkeys-lru'",
          "noeviction",
          "spring.data.redis");
    }
  }

  @Test
  void aServerThatCannotBeReachedIsRefused() {
    assertRefused(at("redis://127.0.0.1:1"), "cannot be reached", "Start Redis", "idem.store");
  }

  @Test
  void severalConnectionFactoriesWithoutAPrimaryAreRefused() {
    ApplicationContextRunner two = bare.withUserConfiguration(TwoFactories.class);
    assertRefused(two, "first, second", "idem.redis.connection-factory");
    assertRefused(
        two.withPropertyValues("idem.redis.connection-factory=third"), "'third'", "first, second");
    two.withPropertyValues("idem.redis.connection-factory=second")
        .run(context -> assertThat(store(context)).isInstanceOf(RedisIdempotencyStore.class));
  }

  @Test
  void healthFollowsRedis() {
    try (TestRedis.Server mortal = TestRedis.start()) {
      at(mortal.url())
          .withPropertyValues("idem.redis.timeout=500ms")
          .run(
              context -> {
                assertThat(health(context).getStatus()).isEqualTo(Status.UP);
                assertThat(health(context).getDetails()).containsEntry("prefix", "idem:");
                mortal.kill();
                assertThat(health(context).getStatus()).isEqualTo(Status.DOWN);
              });
    }
  }

  @Test
  void healthFollowsEachOfTwoStores() {
    try (TestRedis.Server mortal = TestRedis.start()) {
      twoStores(mortal.url())
          .run(
              context -> {
                Health well = health(context);
                assertThat(well.getStatus()).isEqualTo(Status.UP);
                assertThat(well.getDetails()).containsOnlyKeys("transactional", "leased");
                mortal.kill();
                Health down = health(context);
                assertThat(down.getStatus()).isEqualTo(Status.DOWN);
                assertThat(answers(down, "leased")).isEqualTo(false);
                assertThat(answers(down, "transactional")).isEqualTo(true);
              });
    }
  }

  @Test
  void healthFollowsTheDatabaseOfTwoStores() {
    twoStores(TestRedis.standalone())
        .run(
            context -> {
              context.getBean(HikariDataSource.class).close();
              Health down = health(context);
              assertThat(down.getStatus()).isEqualTo(Status.DOWN);
              assertThat(answers(down, "leased")).isEqualTo(true);
              assertThat(answers(down, "transactional")).isEqualTo(false);
            });
  }

  /** Those that run unprotected do not need it, and the others have the database. */
  @Test
  void withoutRedisTheApplicationIsUpIfAllThatIsLeasedFailsOpen() {
    try (TestRedis.Server mortal = TestRedis.start()) {
      twoStores(mortal.url())
          .withUserConfiguration(OpenApp.class)
          .run(
              context -> {
                mortal.kill();
                Health health = health(context);
                assertThat(health.getStatus()).isEqualTo(Status.UP);
                assertThat(health.getDetails()).containsKey("protection");
              });
    }
  }

  @Test
  void healthFollowsARedisThatTheApplicationDeclares() {
    try (TestRedis.Server mortal = TestRedis.start()) {
      bare.withUserConfiguration(OwnRedis.class)
          .withPropertyValues("test.redis=" + mortal.url())
          .run(
              context -> {
                assertThat(health(context).getStatus()).isEqualTo(Status.UP);
                mortal.kill();
                assertThat(health(context).getStatus()).isEqualTo(Status.DOWN);
              });
    }
  }

  @Test
  void theLogSaysWhichOperationsGoWhereOfTwoStores() {
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger("io.idem.spring.boot");
    logger.setLevel(Level.INFO);
    logger.addAppender(log);
    log.start();
    try {
      twoStores(TestRedis.standalone()).run(context -> assertThat(context).hasNotFailed());
    } finally {
      logger.detachAppender(log);
      logger.setLevel(null);
    }
    assertThat(log.list)
        .extracting(ILoggingEvent::getFormattedMessage)
        .singleElement()
        .asString()
        .contains(
            "leased operations are kept in the application's own store",
            "RedisIdempotencyStore",
            "transactional operations in the table idem_record",
            "mode");
  }

  private ApplicationContextRunner twoStores(String url) {
    return both.withUserConfiguration(OwnRedis.class)
        .withPropertyValues("idem.store=jdbc", "test.redis=" + url);
  }

  private static @Nullable Object answers(Health health, String store) {
    return ((Map<?, ?>) health.getDetails().get(store)).get("answers");
  }

  /** The connection factory has another client after it was stopped and started. */
  @Test
  void aContextThatWasStoppedGoesOnAfterItsStart() {
    redis.run(
        context -> {
          assertThat(run(context)).isEqualTo(1);
          ConfigurableApplicationContext running = context.getSourceApplicationContext();
          running.stop();
          assertThat(health(context).getStatus()).isEqualTo(Status.DOWN);
          running.start();
          assertThat(run(context)).isEqualTo(1);
          assertThat(health(context).getStatus()).isEqualTo(Status.UP);
        });
  }

  /** The server counts how often it reads from a connection: once for each command that waits. */
  @Test
  void aBatchIsSentInOneGo() {
    try (TestRedis.Server server = TestRedis.start()) {
      at(server.url())
          .run(
              context -> {
                Operation<String> operation =
                    context.getBean(Idempotency.class).operation("probe", String.class).build();
                List<IdempotentRequest> requests =
                    Stream.generate(() -> IdempotentRequest.of(UUID.randomUUID().toString()))
                        .limit(200)
                        .toList();
                operation.executeAll(requests.subList(0, 1), BatchBody.each(item -> "done"));
                long before = reads(context);
                assertThat(operation.executeAll(requests, BatchBody.each(item -> "done")))
                    .hasSize(200);
                assertThat(reads(context) - before).as("of 400 commands").isLessThan(100);
              });
    }
  }

  private static long reads(AssertableApplicationContext context) {
    return Long.parseLong(
        context
            .getBean(StringRedisTemplate.class)
            .execute(
                (RedisCallback<String>)
                    connection ->
                        connection
                            .serverCommands()
                            .info("stats")
                            .getProperty("total_reads_processed")));
  }

  /** Also after the factory has had another client. */
  @Test
  void anAsynchronousRunAsksRedisWithoutAThreadThatWaits() {
    redis.run(
        context -> {
          Idempotency idempotency = context.getBean(Idempotency.class);
          assertThat(store(context).capability(AsyncStore.class)).isPresent();
          Operation<String> operation = idempotency.operation("probe", String.class).build();
          assertThat(runAsync(operation)).isEqualTo("done");
          ConfigurableApplicationContext running = context.getSourceApplicationContext();
          running.stop();
          assertThatThrownBy(() -> runAsync(operation))
              .hasRootCauseInstanceOf(StoreUnavailableException.class);
          running.start();
          assertThat(runAsync(operation)).isEqualTo("done");
        });
  }

  private static String runAsync(Operation<String> operation) throws Exception {
    return operation
        .executeAsync(
            IdempotentRequest.of(UUID.randomUUID().toString()),
            attempt -> CompletableFuture.completedFuture("done"))
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS)
        .orElseThrow();
  }

  private static int run(AssertableApplicationContext context) {
    return context.getBean(IdempotencyAutoConfigurationTest.App.Service.class).run("k");
  }

  private static IdempotencyStore store(AssertableApplicationContext context) {
    return context.getBean(IdempotencyStore.class);
  }

  private static Health health(AssertableApplicationContext context) {
    return context.getBean("idempotencyHealthIndicator", HealthIndicator.class).health();
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
  static class TransactionalApp {

    @Bean
    TransactionalService transactionalService() {
      return new TransactionalService();
    }
  }

  static class TransactionalService {

    @Idempotent(key = "#key", mode = Idempotent.Mode.TRANSACTIONAL)
    public String pay(String key) {
      return key;
    }
  }

  /** As docs/redis.md has it. */
  @Configuration(proxyBeanMethods = false)
  static class OwnRedis {

    @Bean(destroyMethod = "shutdown")
    RedisClient idempotencyRedisClient(Environment environment) {
      return RedisClient.create(environment.getRequiredProperty("test.redis"));
    }

    @Bean(destroyMethod = "close")
    LettuceRedis idempotencyRedis(RedisClient client) {
      return LettuceRedis.of(client, Duration.ofMillis(500));
    }

    @Bean
    RedisIdempotencyStore leasedStore(LettuceRedis redis) {
      return new RedisIdempotencyStore(redis);
    }
  }

  @Configuration
  static class OpenApp {

    @Bean
    OpenService openService() {
      return new OpenService();
    }
  }

  static class OpenService {

    @Idempotent(
        key = "#key",
        mode = Idempotent.Mode.LEASED,
        storeDown = io.idem.core.StoreDownPolicy.FAIL_OPEN)
    public String look(String key) {
      return key;
    }
  }

  @Configuration
  static class TwoFactories {

    @Bean
    LettuceConnectionFactory first() {
      return new LettuceConnectionFactory("127.0.0.1", 1);
    }

    @Bean
    LettuceConnectionFactory second() {
      return new LettuceConnectionFactory(
          LettuceConnectionFactory.createRedisConfiguration(TestRedis.standalone()));
    }
  }
}
