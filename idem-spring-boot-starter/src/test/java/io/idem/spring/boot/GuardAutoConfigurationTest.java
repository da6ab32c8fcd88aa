package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.guard.StateMachine;
import io.idem.guard.UnsoundMachineException;
import io.idem.guard.jdbc.GuardException;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.StateGuard;
import io.idem.guard.jdbc.StateTable;
import io.idem.spring.GuardExceptionHandler;
import io.idem.spring.GuardedTransition;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.SpringJdbcTransactions;
import io.idem.spring.SpringTransactionalStore;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceInitializationAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcTemplateAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.core.env.Environment;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.core.io.support.SpringFactoriesLoader.ArgumentResolver;
import org.springframework.core.io.support.SpringFactoriesLoader.FailureHandler;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.transaction.KafkaTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.support.TransactionTemplate;

/** What Spring Boot makes of business guards. */
class GuardAutoConfigurationTest {

  private static final AutoConfigurations IDEM =
      AutoConfigurations.of(
          IdempotencyAutoConfiguration.class,
          IdempotencyJdbcAutoConfiguration.class,
          IdempotencyGuardAutoConfiguration.class,
          IdempotencyGuardedMethodsAutoConfiguration.class);

  private static final AutoConfigurations DATABASE =
      AutoConfigurations.of(
          DataSourceAutoConfiguration.class,
          DataSourceInitializationAutoConfiguration.class,
          DataSourceTransactionManagerAutoConfiguration.class,
          JdbcTemplateAutoConfiguration.class,
          TransactionAutoConfiguration.class);

  private final ApplicationContextRunner bare =
      new ApplicationContextRunner().withConfiguration(IDEM);

  private final ApplicationContextRunner database =
      bare.withConfiguration(DATABASE)
          .withPropertyValues(
              "spring.datasource.url=" + h2(),
              "spring.datasource.type=" + HikariDataSource.class.getName());

  enum State {
    OPEN,
    PAID
  }

  @Test
  void guardsJoinTheApplicationsTransactions() {
    database
        .withUserConfiguration(Orders.class)
        .run(
            context -> {
              JdbcTemplate jdbc = context.getBean(JdbcTemplate.class);
              jdbc.execute("create table orders (id int primary key, state varchar(9))");
              jdbc.update("insert into orders values (1, 'OPEN')");
              StateGuard<State> orders = context.getBean(Orders.class).orders();
              TransactionTemplate transactions = context.getBean(TransactionTemplate.class);

              transactions.executeWithoutResult(
                  status -> {
                    assertThat(orders.transition(1, State.PAID).isApplied()).isTrue();
                    assertThat(state(jdbc)).isEqualTo("PAID");
                    status.setRollbackOnly();
                  });
              assertThat(state(jdbc)).isEqualTo("OPEN");

              context.getBean(Orders.class).pay(1);
              assertThat(state(jdbc)).isEqualTo("PAID");
            });
  }

  private static String state(JdbcTemplate jdbc) {
    return jdbc.queryForObject("select state from orders where id = 1", String.class);
  }

  @Test
  void theApplicationsOwnGuardsWin() {
    JdbcGuards own = JdbcGuards.of(h2DataSource());
    database
        .withBean("own", JdbcGuards.class, () -> own)
        .run(context -> assertThat(context.getBean(JdbcGuards.class)).isSameAs(own));
  }

  /** An annotation that did nothing would let every repeat run the body. */
  @Test
  void whereIdemIsSwitchedOffTransitionsOfOwnGuardsAreStillMade() {
    database
        .withPropertyValues("idem.enabled=false")
        .withUserConfiguration(OwnGuards.class, Orders.class)
        .run(
            context -> {
              JdbcTemplate jdbc = context.getBean(JdbcTemplate.class);
              jdbc.execute("create table orders (id int primary key, state varchar(9))");
              jdbc.update("insert into orders values (1, 'OPEN')");

              context.getBean(Orders.class).pay(1);

              assertThat(state(jdbc)).isEqualTo("PAID");
            });
  }

  @Test
  void whereIdemIsSwitchedOffAMethodWithoutGuardKeepsTheApplicationFromStarting() {
    database
        .withPropertyValues("idem.enabled=false")
        .withBean(Unguarded.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .hasMessageContaining("no bean of type StateGuard"));
  }

  @Test
  void thereAreNoneWhereTheyCannotBe() {
    database
        .withPropertyValues("idem.guard.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(JdbcGuards.class));
    database
        .withPropertyValues("idem.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(JdbcGuards.class));
    bare.run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(JdbcGuards.class));
    bare.withConfiguration(AutoConfigurations.of(DataSourceAutoConfiguration.class))
        .withPropertyValues("spring.datasource.url=" + h2())
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(JdbcGuards.class));
  }

  @Test
  void theLibraryNeedNotBeThere() {
    database
        .withClassLoader(new FilteredClassLoader("io.idem.guard"))
        .run(
            context ->
                assertThat(context)
                    .hasNotFailed()
                    .doesNotHaveBean(IdempotencyGuardAutoConfiguration.class));
  }

  @Test
  void ofSeveralDatabasesThePrimaryOneIsTaken() {
    bare.withUserConfiguration(TwoDataSources.class, Primarily.class)
        .run(
            context ->
                assertThat(dataSource(context.getBean(JdbcGuards.class))).isEqualTo("third"));
  }

  @Test
  void ofSeveralDatabasesOneIsNamed() {
    ApplicationContextRunner two =
        bare.withUserConfiguration(TwoDataSources.class).withPropertyValues("idem.store=memory");
    assertRefused(
        two.withUserConfiguration(Orders.class), "first, second", "idem.guard.data-source");
    assertRefused(
        two.withUserConfiguration(Orders.class).withPropertyValues("idem.guard.data-source=nobody"),
        "idem.guard.data-source is 'nobody'");
    two.withPropertyValues("idem.jdbc.data-source=second")
        .run(
            context ->
                assertThat(dataSource(context.getBean(JdbcGuards.class))).isEqualTo("second"));
    two.withPropertyValues("idem.jdbc.data-source=second", "idem.guard.data-source=first")
        .run(
            context ->
                assertThat(dataSource(context.getBean(JdbcGuards.class))).isEqualTo("first"));
  }

  @Test
  void aTransactionManagerOfAnotherDatabaseIsRefused() {
    assertRefused(
        bare.withUserConfiguration(TwoDataSources.class, Orders.class)
            .withPropertyValues(
                "idem.store=memory",
                "idem.guard.data-source=second",
                "idem.guard.transaction-manager=firstManager"),
        "idem.guard.transaction-manager is 'firstManager'",
        "guarded rows");
  }

  @Test
  void anUnknownDatabaseIsRefusedWhereSomebodyAsksForGuards() {
    ApplicationContextRunner unknown =
        bare.withUserConfiguration(UnknownDatabase.class).withPropertyValues("idem.store=memory");
    unknown.run(context -> assertThat(context).hasNotFailed());
    assertRefused(
        unknown.withUserConfiguration(Orders.class),
        "Apache Derby",
        "PostgreSQL 12.0 or later",
        "idem.guard.data-source");
  }

  @Test
  void theFlawsOfAMachineArePrintedAsDescriptionAndAction() {
    database
        .withUserConfiguration(DeadEnd.class)
        .run(
            context -> {
              assertThat(context).hasFailed();
              FailureAnalysis analysis =
                  new UnsoundMachineFailureAnalyzer().analyze(context.getStartupFailure());
              assertThat(analysis.getDescription())
                  .isEqualTo(
                      "The state machine of State cannot hold: PAID is a dead end: nothing leads"
                          + " out of it, and it is not final.");
              assertThat(analysis.getAction()).contains("finalStates(…)");
              assertThat(analysis.getCause()).isInstanceOf(UnsoundMachineException.class);
            });
  }

  @Test
  void ofSeveralTransactionManagersThoseOfOtherResourcesDoNotCount() {
    ApplicationContextRunner kafka =
        bare.withUserConfiguration(OneDatabase.class, Kafka.class, Orders.class);
    kafka.run(context -> assertThat(context).hasNotFailed().hasSingleBean(JdbcGuards.class));
    kafka
        .withBean("other", PlatformTransactionManager.class, Anywhere::new)
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(JdbcGuards.class));
    kafka
        .withBean(Payments.class)
        .run(
            context ->
                assertThat(context)
                    .hasNotFailed()
                    .getBean(SpringTransactionalStore.class)
                    .extracting(SpringTransactionalStore::transactionManager)
                    .isInstanceOf(JdbcTransactionManager.class));
    assertRefused(
        bare.withBean(DataSource.class, GuardAutoConfigurationTest::h2DataSource)
            .withPropertyValues("idem.store=memory")
            .withUserConfiguration(Kafka.class, Orders.class),
        "No transaction manager works on the DataSource of the guarded rows; there are kafka.");
  }

  @Test
  void aRecordAndAGuardOfTwoDatabasesAreRefusedOnOneMethod() {
    ApplicationContextRunner two =
        bare.withUserConfiguration(TwoDataSources.class, Orders.class)
            .withPropertyValues("idem.jdbc.data-source=first");
    assertRefused(
        two.withBean(Payments.class).withPropertyValues("idem.guard.data-source=second"),
        "Payments.pay(int) is @Idempotent and a @GuardedTransition",
        "'firstManager'",
        "'secondManager'",
        "mode = LEASED");
    two.withBean(Payments.class).run(context -> assertThat(context).hasNotFailed());
    two.withBean(LeasedPayments.class)
        .withPropertyValues("idem.guard.data-source=second")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void whyThereAreNoGuardsIsPrintedAsDescriptionAndAction() {
    assertMissing(
        database.withPropertyValues("idem.guard.enabled=false"),
        "idem.guard.enabled is false",
        "Remove idem.guard.enabled=false");
    assertMissing(
        database.withPropertyValues("idem.enabled=false"),
        "idem.enabled is false",
        "Remove idem.enabled=false");
    assertMissing(bare, "has no DataSource", "spring.datasource.url");
    assertMissing(
        bare.withBean("only", DataSource.class, GuardAutoConfigurationTest::h2DataSource),
        "no transaction manager, in whose transactions guards work. There is the DataSource only.",
        "new JdbcTransactionManager(dataSource).");
    assertMissing(
        bare.withBean("one", DataSource.class, GuardAutoConfigurationTest::h2DataSource)
            .withBean("two", DataSource.class, GuardAutoConfigurationTest::h2DataSource)
            .withPropertyValues("idem.store=memory", "idem.guard.data-source=thre"),
        "several DataSources and none is primary: one, two."
            + " And idem.guard.data-source is 'thre', which is none of them.",
        "idem.guard.data-source; or mark the DataSource as @Primary");
  }

  private static void assertMissing(
      ApplicationContextRunner runner, String description, String action) {
    AtomicReference<ConfigurableApplicationContext> started = new AtomicReference<>();
    runner
        .withInitializer(started::set)
        .withUserConfiguration(Orders.class)
        .run(
            context -> {
              assertThat(context).hasFailed();
              ConfigurableApplicationContext failed = started.get();
              FailureAnalysis analysis = analysis(failed, context.getStartupFailure());
              assertThat(analysis.getDescription())
                  .startsWith("A bean asks for JdbcGuards, and there is no such bean. ")
                  .contains(description);
              assertThat(analysis.getAction()).contains(action);
            });
  }

  /** What Spring Boot prints: the first analyzer that knows the failure has the word. */
  private static FailureAnalysis analysis(ConfigurableApplicationContext failed, Throwable why) {
    return SpringFactoriesLoader.forDefaultResourceLocation()
        .load(
            FailureAnalyzer.class,
            ArgumentResolver.of(BeanFactory.class, failed.getBeanFactory())
                .and(Environment.class, failed.getEnvironment()),
            FailureHandler.handleMessage((message, failure) -> {}))
        .stream()
        .map(analyzer -> analyzer.analyze(why))
        .filter(Objects::nonNull)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void problemsOverHttpCanBeLeftToTheApplication() {
    WebApplicationContextRunner web = new WebApplicationContextRunner().withConfiguration(IDEM);
    web.run(context -> assertThat(context).hasSingleBean(GuardExceptionHandler.class));
    web.withPropertyValues("idem.guard.problems=false")
        .run(context -> assertThat(context).doesNotHaveBean(GuardExceptionHandler.class));
    bare.run(context -> assertThat(context).doesNotHaveBean(GuardExceptionHandler.class));
  }

  /** The name of the database that guards are in, which is that of its table. */
  private static String dataSource(JdbcGuards guards) {
    return Stream.of("first", "second", "third")
        .filter(name -> isIn(guards, name))
        .findFirst()
        .orElseThrow();
  }

  private static boolean isIn(JdbcGuards guards, String name) {
    StateMachine<State> machine = StateMachine.ordered(State.OPEN, State.PAID).build();
    try {
      guards.states(machine, StateTable.of("in_" + name)).state(1);
      return true;
    } catch (GuardException e) {
      return false; // no such table there
    }
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

  private static DataSource withTable(String name) {
    DataSource h2 = h2DataSource();
    new JdbcTemplate(h2)
        .execute("create table in_" + name + " (id int primary key, state varchar(9))");
    return h2;
  }

  /** An application's own use: it asks for guards. */
  @Configuration
  static class Orders {

    private final StateGuard<State> orders;

    Orders(JdbcGuards guards) {
      this.orders =
          guards.states(
              StateMachine.ordered(State.OPEN, State.PAID).build(), StateTable.of("orders"));
    }

    @Bean
    StateGuard<State> orders() {
      return orders;
    }

    @GuardedTransition(id = "#id", to = "PAID")
    public void pay(int id) {}
  }

  static class Payments {

    @Idempotent(key = "#id")
    @GuardedTransition(id = "#id", to = "PAID")
    public void pay(int id) {}
  }

  static class LeasedPayments {

    @Idempotent(key = "#id", mode = Idempotent.Mode.LEASED)
    @GuardedTransition(id = "#id", to = "PAID")
    public void pay(int id) {}
  }

  @Configuration
  static class OneDatabase {

    @Bean
    DataSource only() {
      return h2DataSource();
    }

    @Bean
    PlatformTransactionManager ofDatabase() {
      return new JdbcTransactionManager(only());
    }
  }

  /** Its transaction manager works on no DataSource. */
  @Configuration(proxyBeanMethods = false)
  static class Kafka {

    @Bean
    PlatformTransactionManager kafka() {
      DefaultKafkaProducerFactory<String, String> producers =
          new DefaultKafkaProducerFactory<>(Map.of());
      producers.setTransactionIdPrefix("tx");
      return new KafkaTransactionManager<>(producers);
    }
  }

  /** Does not tell what it works on. */
  static class Anywhere implements PlatformTransactionManager {

    @Override
    public TransactionStatus getTransaction(TransactionDefinition definition) {
      throw new IllegalStateException("Not to be used");
    }

    @Override
    public void commit(TransactionStatus status) {
      throw new IllegalStateException("Not to be used");
    }

    @Override
    public void rollback(TransactionStatus status) {
      throw new IllegalStateException("Not to be used");
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class OwnGuards {

    @Bean
    JdbcGuards own(PlatformTransactionManager manager, DataSource dataSource) {
      return JdbcGuards.of(new SpringJdbcTransactions(manager, dataSource));
    }
  }

  static class Unguarded {

    @GuardedTransition(id = "#id", to = "PAID")
    public void pay(int id) {}
  }

  @Configuration(proxyBeanMethods = false)
  static class DeadEnd {

    @Bean
    StateGuard<State> orders(JdbcGuards guards) {
      return guards.states(
          StateMachine.free(State.OPEN).allow(State.OPEN, State.PAID).build(),
          StateTable.of("orders"));
    }
  }

  @Configuration
  static class TwoDataSources {

    @Bean
    DataSource first() {
      return withTable("first");
    }

    @Bean
    DataSource second() {
      return withTable("second");
    }

    @Bean
    PlatformTransactionManager firstManager() {
      return new JdbcTransactionManager(first());
    }

    @Bean
    PlatformTransactionManager secondManager() {
      return new JdbcTransactionManager(second());
    }
  }

  @Configuration
  static class Primarily {

    @Bean
    @Primary
    DataSource third() {
      return withTable("third");
    }

    @Bean
    PlatformTransactionManager thirdManager() {
      return new JdbcTransactionManager(third());
    }
  }

  /** A database that says that it is Derby. */
  @Configuration
  static class UnknownDatabase {

    @Bean
    DataSource dataSource() {
      return new DelegatingDataSource(h2DataSource()) {
        @Override
        public Connection getConnection() throws java.sql.SQLException {
          Connection connection = super.getConnection();
          DatabaseMetaData metaData =
              proxy(
                  DatabaseMetaData.class,
                  connection.getMetaData(),
                  "getDatabaseProductName",
                  "Apache Derby");
          return proxy(Connection.class, connection, "getMetaData", metaData);
        }
      };
    }

    private static <T> T proxy(Class<T> type, T target, String method, Object answer) {
      return type.cast(
          Proxy.newProxyInstance(
              type.getClassLoader(),
              new Class<?>[] {type},
              (proxy, called, arguments) ->
                  called.getName().equals(method) ? answer : called.invoke(target, arguments)));
    }

    @Bean
    PlatformTransactionManager manager() {
      return new JdbcTransactionManager(dataSource());
    }
  }
}
