package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.Idempotency;
import io.idem.core.KeyReusedException;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.testkit.Together;
import java.io.IOException;
import java.sql.Connection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.IllegalTransactionStateException;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.UnexpectedRollbackException;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Isolation;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.DefaultTransactionDefinition;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionTemplate;

/** Transactional mode in Spring's transactions, on a real database. */
abstract class TransactionalContract {

  private final AtomicInteger runs = new AtomicInteger();
  private HikariDataSource pool;
  private AnnotationConfigApplicationContext context;
  private Payments payments;
  private JdbcTemplate jdbc;
  private TransactionTemplate transactions;

  abstract DataSource newDatabase();

  @BeforeEach
  void start() {
    start(4);
  }

  private void start(int poolSize) {
    end();
    pool = new HikariDataSource();
    pool.setDataSource(newDatabase());
    pool.setMaximumPoolSize(poolSize);
    pool.setConnectionTimeout(30_000);
    jdbc = new JdbcTemplate(pool);
    jdbc.execute("create table payment (number varchar(40) not null, amount int not null)");
    new JdbcSchema(pool, JdbcSettings.defaults()).createIfAbsent();
    context = new AnnotationConfigApplicationContext();
    context.registerBean(DataSource.class, () -> pool);
    context.registerBean(JdbcTemplate.class, () -> jdbc);
    context.registerBean("runs", AtomicInteger.class, () -> runs);
    context.register(Config.class);
    context.refresh();
    payments = context.getBean(Payments.class);
    transactions = new TransactionTemplate(context.getBean(PlatformTransactionManager.class));
  }

  @AfterEach
  void end() {
    if (context != null) {
      context.close();
      pool.close();
    }
  }

  @Test
  void oneEffectUnderConcurrentDuplicates() {
    Callable<Receipt> pay = () -> payments.pay("A-1", 10);

    List<Receipt> receipts = Together.run(Collections.nCopies(32, pay));

    assertThat(receipts).containsOnly(new Receipt("A-1", 10, 1));
    assertThat(runs).hasValue(1);
    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void aRepeatIsGivenTheStoredResult() {
    Receipt first = payments.pay("A-1", 10);

    assertThat(payments.pay("A-1", 10)).isEqualTo(first);
    assertThat(runs).hasValue(1);
    assertThat(records()).isEqualTo(1);
  }

  @Test
  void aDifferentRequestUnderTheKeyIsRefused() {
    payments.pay("A-1", 10);

    assertThatThrownBy(() -> payments.pay("A-1", 11)).isInstanceOf(KeyReusedException.class);
    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void theRollbackOfTheCallersTransactionFreesTheKey() {
    transactions.executeWithoutResult(
        status -> {
          payments.pay("A-1", 10);
          status.setRollbackOnly();
        });
    assertThat(rows()).isZero();
    assertThat(records()).isZero();

    payments.pay("A-1", 10);

    assertThat(runs).hasValue(2);
    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void theCommitOfTheCallersTransactionKeepsIt() {
    transactions.executeWithoutResult(status -> payments.pay("A-1", 10));

    assertThat(payments.pay("A-1", 10).run()).isEqualTo(1);
    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void theRecordIsWrittenInTheCallersTransaction() {
    transactions.executeWithoutResult(
        status -> {
          payments.pay("A-1", 10);
          assertThat(Together.<Long>run(List.of(() -> records())).get(0)) // on another connection
              .isZero();
        });

    assertThat(records()).isEqualTo(1);
  }

  @Test
  void aFailureBetweenEffectAndCommitLeavesNeither() {
    assertThatThrownBy(() -> payments.payAndFail("A-1")).isInstanceOf(IllegalStateException.class);

    assertThat(rows()).isZero();
    assertThat(records()).isZero();
  }

  @Test
  void aCheckedExceptionRollsBackToo() {
    assertThatThrownBy(() -> payments.payAndFailChecked("A-1")).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> payments.payAndFailChecked("A-1")).isInstanceOf(IOException.class);

    assertThat(runs).hasValue(2);
    assertThat(rows()).isZero();
    assertThat(records()).isZero();
  }

  @Test
  void aRecordedRejectionIsThrownAgainAndItsChangeRolledBack() {
    assertThatThrownBy(() -> payments.reject("A-1"))
        .isInstanceOf(Rejected.class)
        .hasMessage("no funds, run 1");

    assertThatThrownBy(() -> payments.reject("A-1"))
        .isInstanceOf(Rejected.class)
        .hasMessage("no funds, run 1");
    assertThat(runs).hasValue(1);
    assertThat(rows()).isZero();
    assertThat(records()).isEqualTo(1);
  }

  @Test
  void aFailureThatTheCallerSwallowsCannotBeCommitted() {
    assertThatThrownBy(
            () ->
                transactions.executeWithoutResult(
                    status ->
                        assertThatThrownBy(() -> payments.payAndFailChecked("A-1"))
                            .isInstanceOf(IOException.class)))
        .isInstanceOf(UnexpectedRollbackException.class);

    assertThat(rows()).isZero();
    assertThat(records()).isZero();
  }

  @Test
  void aFailureThatTheMethodSwallowsCannotBeCommitted() {
    assertThatThrownBy(() -> payments.swallow("A-1"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("can only be rolled back");

    assertThat(rows()).isZero();
    assertThat(records()).isZero();
  }

  @Test
  void oneConnectionIsEnough() {
    start(1);

    transactions.executeWithoutResult(status -> payments.payTwice("B-1"));
    payments.payTwice("B-2");
    assertThatThrownBy(() -> payments.reject("A-1")).isInstanceOf(Rejected.class);

    assertThat(rows()).isEqualTo(4);
  }

  @Test
  void nestedCallsKeepTheirOwnKeys() {
    payments.payTwice("B-1");
    payments.payTwice("B-1");

    assertThat(rows()).isEqualTo(2);
    assertThat(records()).isEqualTo(3);
    assertThat(payments.pay("B-1/1", 1).run()).isEqualTo(1);
    assertThat(payments.pay("B-1/2", 2).run()).isEqualTo(2);
  }

  @Test
  void aTransactionOfItsOwnHasTheIsolationOfTheMethod() {
    int usual = jdbc.execute((ConnectionCallback<Integer>) Connection::getTransactionIsolation);
    assertThat(usual).isNotEqualTo(Connection.TRANSACTION_SERIALIZABLE);
    assertThat(payments.isolation("A-1")).isEqualTo(Connection.TRANSACTION_SERIALIZABLE);
    assertThat(payments.defaultIsolation("A-1")).isEqualTo(usual);
  }

  /** Whatever kinds of transactions they have: their records are in one place. */
  @Test
  void methodsMayShareTheirKeys() {
    payments.collect("A-1");

    assertThatThrownBy(() -> payments.refund("A-1")).isInstanceOf(KeyReusedException.class);
    assertThat(payments.collect("A-1")).isEqualTo("collected A-1");
    assertThat(payments.refund("A-2")).isEqualTo("refunded A-2");
    assertThatThrownBy(() -> payments.collect("A-2")).isInstanceOf(KeyReusedException.class);
    assertThat(rows()).isEqualTo(2);
  }

  @Test
  void mandatoryStillWantsTheCallersTransaction() {
    assertThatThrownBy(() -> payments.mandatory("A-1"))
        .isInstanceOf(IllegalTransactionStateException.class);

    transactions.executeWithoutResult(status -> payments.mandatory("A-1"));

    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void aTransactionSaysWhetherItIsJoinedAndWhetherItCanBeCommitted() {
    SpringJdbcTransactions own =
        new SpringJdbcTransactions(context.getBean(PlatformTransactionManager.class), pool);

    assertThat(own.<Boolean, RuntimeException>inTransaction(running -> running.isJoined()))
        .isFalse();
    transactions.executeWithoutResult(
        status -> {
          assertThat(own.<Boolean, RuntimeException>inTransaction(running -> running.isJoined()))
              .isTrue();
          own.<Boolean, RuntimeException>inTransaction(
              running -> {
                assertThat(running.isRollbackOnly()).isFalse();
                running.setRollbackOnly();
                return running.isRollbackOnly();
              });
          assertThat(status.isRollbackOnly()).isTrue();
          assertThat(
                  own.<Boolean, RuntimeException>inTransaction(running -> running.isRollbackOnly()))
              .isTrue();
          status.setRollbackOnly();
        });
  }

  @Test
  void aPartInAnotherTransactionIsLoggedOnceForEachOperation() {
    try (Log log = new Log()) {
      payments.pay("A-0", 1);
      transactions.executeWithoutResult(status -> context.getBean(Ledger.class).apart("A-0", 1));
      assertThat(log.messages()).isEmpty();

      payments.partly("A-1");
      payments.partly("A-2");
      payments.partlyToo("A-1");

      assertThat(log.messages()).hasSize(2);
      assertThat(log.messages().get(0))
          .contains(
              "WARN", "'Payments.partly'", "REQUIRES_NEW", "not atomic", "record or guarded row");
      assertThat(log.messages().get(1)).contains("'Payments.partlyToo'");
    }
  }

  @Test
  void theTransactionOfAnotherManagerIsSeenToo() {
    JdbcTransactionManager other = new JdbcTransactionManager(newDatabase());
    SpringJdbcTransactions own =
        new SpringJdbcTransactions(context.getBean(PlatformTransactionManager.class), pool);
    try (Log log = new Log()) {
      own.<Boolean, RuntimeException>inTransaction(
          running -> new TransactionTemplate(other).execute(status -> true));

      assertThat(log.messages()).hasSize(1);
      assertThat(log.messages().get(0)).contains("A transactional operation");
    }
  }

  @Test
  void aManagerWithoutSynchronizationIsUsedAllTheSame() {
    JdbcTransactionManager silent = new JdbcTransactionManager(pool);
    silent.setTransactionSynchronization(JdbcTransactionManager.SYNCHRONIZATION_NEVER);
    SpringJdbcTransactions own = new SpringJdbcTransactions(silent, pool);

    assertThat(own.<Boolean, RuntimeException>inTransaction(running -> running.isJoined()))
        .isFalse();
  }

  @Test
  void aRollbackThatFailsIsLogged() {
    JdbcTransactionManager failing =
        new JdbcTransactionManager(pool) {
          private static final long serialVersionUID = 1L;

          @Override
          protected void doRollback(DefaultTransactionStatus status) {
            super.doRollback(status);
            throw new TransactionSystemException("the connection is gone");
          }
        };
    DefaultTransactionDefinition definition = new DefaultTransactionDefinition();
    definition.setName("pay");
    SpringJdbcTransactions own = new SpringJdbcTransactions(failing, pool, definition);
    try (Log log = new Log()) {
      assertThatThrownBy(
              () ->
                  own.<Boolean, Unsuppressing>inTransaction(
                      running -> {
                        throw new Unsuppressing();
                      }))
          .isInstanceOf(Unsuppressing.class);

      assertThat(log.messages()).hasSize(1);
      assertThat(log.messages().get(0))
          .contains("ERROR", "'pay'", "could not be rolled back", "the connection is gone");
    }
  }

  @Test
  void aLeasedCallInsideATransactionIsLoggedOnceForEachOperation() {
    try (Log log = new Log()) {
      payments.leased("A-0");
      assertThat(log.messages()).isEmpty();

      transactions.executeWithoutResult(
          status -> {
            payments.leased("A-1");
            payments.leased("A-2");
          });

      assertThat(log.messages()).hasSize(1);
      assertThat(log.messages().get(0))
          .contains("WARN", "'Payments.leased'", "second connection", "mode = TRANSACTIONAL");
    }
  }

  @Test
  void aTransactionManagerOfAnotherDatabaseIsRefused() {
    DataSource other = newDatabase();

    assertThatThrownBy(
            () ->
                new SpringTransactionalStore(
                    new JdbcTransactionManager(other),
                    pool,
                    Dialect.of(pool),
                    JdbcSettings.defaults()))
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("does not work on the data source of Idem's records")
        .hasMessageContaining("idem.jdbc.transaction-manager");
  }

  private long rows() {
    return jdbc.queryForObject("select count(*) from payment", Long.class);
  }

  private long records() {
    return jdbc.queryForObject("select count(*) from idem_record", Long.class);
  }

  record Receipt(String number, int amount, int run) {}

  /** What Idem logs on this module's behalf. */
  private static final class Log implements AutoCloseable {

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.idem.spring");
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();

    Log() {
      appender.start();
      logger.addAppender(appender);
    }

    List<String> messages() {
      return appender.list.stream()
          .map(
              event ->
                  event.getLevel()
                      + " "
                      + event.getFormattedMessage()
                      + (event.getThrowableProxy() == null
                          ? ""
                          : event.getThrowableProxy().getMessage()))
          .toList();
    }

    @Override
    public void close() {
      logger.detachAppender(appender);
    }
  }

  private static final class Unsuppressing extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Unsuppressing() {
      super("no stack, no suppression", null, false, false);
    }
  }

  public static class Rejected extends Exception {

    private static final long serialVersionUID = 1L;

    public Rejected(String message) {
      super(message);
    }
  }

  @Configuration
  @EnableIdempotency
  @EnableTransactionManagement
  @Import({Payments.class, Ledger.class})
  static class Config {

    @Bean
    JdbcTransactionManager transactionManager(DataSource dataSource) {
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    SpringTransactionalStore transactionalStore(
        PlatformTransactionManager transactions, DataSource dataSource) {
      return new SpringTransactionalStore(
          transactions, dataSource, Dialect.of(dataSource), JdbcSettings.defaults());
    }

    @Bean(destroyMethod = "close")
    Idempotency idempotency(SpringTransactionalStore transactionalStore, DataSource dataSource) {
      return Idempotency.builder()
          .transactionalStore(transactionalStore)
          .store(new JdbcIdempotencyStore(dataSource))
          .codecs(new JacksonResultCodecFactory())
          .build();
    }
  }

  static class Ledger {

    private final JdbcTemplate jdbc;

    Ledger(JdbcTemplate jdbc) {
      this.jdbc = jdbc;
    }

    @Transactional
    public void fail() {
      throw new IllegalStateException("inside");
    }

    @Transactional(propagation = Propagation.REQUIRES_NEW)
    public void apart(String number, int amount) {
      write(number, amount);
    }

    void write(String number, int amount) {
      jdbc.update("insert into payment values (?, ?)", number, amount);
    }
  }

  static class Payments {

    private final JdbcTemplate jdbc;
    private final Ledger ledger;
    private final AtomicInteger runs;
    private final org.springframework.beans.factory.ObjectProvider<Payments> self;

    Payments(
        JdbcTemplate jdbc,
        Ledger ledger,
        AtomicInteger runs,
        org.springframework.beans.factory.ObjectProvider<Payments> self) {
      this.jdbc = jdbc;
      this.ledger = ledger;
      this.runs = runs;
      this.self = self;
    }

    @Idempotent(key = "#number")
    @Transactional
    public Receipt pay(String number, int amount) {
      write(number, amount);
      return new Receipt(number, amount, runs.incrementAndGet());
    }

    @Idempotent(key = "#number")
    public void payTwice(String number) {
      self.getObject().pay(number + "/1", 1);
      self.getObject().pay(number + "/2", 2);
    }

    @Idempotent(key = "#number")
    @Transactional
    public void payAndFail(String number) {
      write(number, 1);
      throw new IllegalStateException("after the effect");
    }

    @Idempotent(key = "#number")
    @Transactional
    public Receipt payAndFailChecked(String number) throws IOException {
      runs.incrementAndGet();
      write(number, 1);
      throw new IOException("after the effect");
    }

    @Idempotent(key = "#number", recordFailures = Rejected.class)
    @Transactional
    public Receipt reject(String number) throws Rejected {
      write(number, 1);
      throw new Rejected("no funds, run " + runs.incrementAndGet());
    }

    @Idempotent(key = "#number")
    public Receipt swallow(String number) {
      write(number, 1);
      assertThatThrownBy(ledger::fail).hasMessage("inside");
      return new Receipt(number, 1, 1);
    }

    @Idempotent(key = "#number", keySpace = "till")
    @Transactional(isolation = Isolation.SERIALIZABLE)
    public String collect(String number) {
      write(number, 1);
      return "collected " + number;
    }

    @Idempotent(key = "#number", keySpace = "till")
    @Transactional
    public String refund(String number) {
      write(number, -1);
      return "refunded " + number;
    }

    @Idempotent(key = "#number")
    @Transactional(isolation = Isolation.SERIALIZABLE, timeout = 30)
    public int isolation(String number) {
      return jdbc.execute((ConnectionCallback<Integer>) Connection::getTransactionIsolation);
    }

    @Idempotent(key = "#number")
    @Transactional
    public int defaultIsolation(String number) {
      return jdbc.execute((ConnectionCallback<Integer>) Connection::getTransactionIsolation);
    }

    @Idempotent(key = "#number")
    @Transactional(propagation = Propagation.MANDATORY)
    public void mandatory(String number) {
      write(number, 1);
    }

    @Idempotent(key = "#number")
    public void partly(String number) {
      ledger.apart(number, 1);
    }

    @Idempotent(key = "#number")
    @Transactional
    public void partlyToo(String number) {
      ledger.apart(number, 1);
    }

    @Idempotent(key = "#number", mode = Idempotent.Mode.LEASED)
    public void leased(String number) {
      runs.incrementAndGet();
    }

    private void write(String number, int amount) {
      ledger.write(number, amount);
    }
  }
}
