package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.Idempotency;
import io.idem.guard.IllegalTransitionException;
import io.idem.guard.ObjectNotFoundException;
import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.StateGuard;
import io.idem.guard.jdbc.StateTable;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.testkit.Together;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.IllegalTransactionStateException;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Isolation;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Transitions before the bodies of methods, on a real database. */
@TestInstance(Lifecycle.PER_CLASS)
abstract class GuardedTransitionContract {

  private static final int CALLERS = 50;

  private final AtomicBoolean failing = new AtomicBoolean();
  private HikariDataSource pool;
  private AnnotationConfigApplicationContext context;
  private JdbcTemplate jdbc;
  private TransactionTemplate transactions;
  private Orders orders;

  abstract DataSource newDatabase();

  @BeforeAll
  void start() {
    pool = new HikariDataSource();
    pool.setDataSource(newDatabase());
    pool.setMaximumPoolSize(8);
    jdbc = new JdbcTemplate(pool);
    jdbc.execute("create table purchase (id int primary key, state varchar(20) not null)");
    jdbc.execute("create table effect (id int not null, what varchar(20) not null)");
    new JdbcSchema(pool, JdbcSettings.defaults()).createIfAbsent();
    context = new AnnotationConfigApplicationContext();
    context.registerBean(DataSource.class, () -> pool);
    context.registerBean(JdbcTemplate.class, () -> jdbc);
    context.registerBean("failing", AtomicBoolean.class, () -> failing);
    context.register(Config.class);
    context.refresh();
    transactions = new TransactionTemplate(context.getBean(PlatformTransactionManager.class));
    orders = context.getBean(Orders.class);
  }

  @AfterAll
  void end() {
    context.close();
    pool.close();
  }

  @BeforeEach
  void oneOpenOrder() {
    jdbc.update("delete from effect");
    jdbc.update("delete from purchase");
    jdbc.update("insert into purchase values (1, 'OPEN')");
    failing.set(false);
  }

  @Test
  void oneOfFiftyCallersRunsTheBody() {
    Callable<Optional<String>> pay = () -> orders.receipt(1);

    List<Optional<String>> receipts = Together.run(Collections.nCopies(CALLERS, pay));

    assertThat(receipts).filteredOn(Optional::isPresent).containsExactly(Optional.of("receipt"));
    assertThat(effects()).containsExactly("PAID");
    assertThat(state()).isEqualTo("PAID");
  }

  @Test
  void theNextOfFiftyCallersRunsTheBodyThatFailed() {
    failing.set(true);
    Callable<String> pay =
        () -> {
          try {
            return orders.pay(1).getClass().getSimpleName();
          } catch (IllegalStateException e) {
            return "failed";
          }
        };

    List<String> answers = Together.run(Collections.nCopies(CALLERS, pay));

    assertThat(answers).filteredOn("failed"::equals).hasSize(1);
    assertThat(answers).filteredOn("Applied"::equals).hasSize(1);
    assertThat(answers).filteredOn("AlreadyThere"::equals).hasSize(CALLERS - 2);
    assertThat(effects()).containsExactly("PAID");
  }

  @Test
  void aRepeatReturnsWhatItsTypeSays() {
    assertThat(orders.pay(1)).isEqualTo(new Transition.Applied<>(State.PAID));
    assertThat(orders.pay(1)).isEqualTo(new Transition.AlreadyThere<>(State.PAID));
    assertThat(orders.receipt(1)).isEmpty();
    orders.payInSilence(1);

    assertThat(effects()).containsExactly("PAID");
  }

  @Test
  void aLateRepeatIsTold() {
    orders.pay(1);
    orders.ship(1);

    assertThat(orders.pay(1)).isEqualTo(new Transition.AlreadyPast<>(State.SHIPPED));
    assertThat(effects()).containsExactly("PAID", "SHIPPED");
  }

  @Test
  void aMethodThatTakesTheAnswerRunsForRepeatsAndIsTold() {
    assertThat(orders.receiptOf(1, null)).isEqualTo("new");
    assertThat(orders.receiptOf(1, null)).isEqualTo("old");
    orders.ship(1);
    assertThat(orders.receiptOf(1, new Transition.Applied<>(State.PAID))).isEqualTo("old");

    assertThat(effects()).containsExactly("PAID", "SHIPPED");
  }

  @Test
  void anIllegalTransitionThrowsAndNothingRuns() {
    assertThatExceptionOfType(IllegalTransitionException.class)
        .isThrownBy(() -> orders.ship(1))
        .satisfies(e -> assertThat(e.current()).isEqualTo(State.OPEN))
        .satisfies(e -> assertThat(e.to()).isEqualTo(State.SHIPPED));

    assertThat(effects()).isEmpty();
    assertThat(state()).isEqualTo("OPEN");
  }

  @Test
  void aMissingRowThrowsWithoutItsId() {
    assertThatExceptionOfType(ObjectNotFoundException.class)
        .isThrownBy(() -> orders.pay(4711))
        .satisfies(e -> assertThat(e.to()).isEqualTo(State.PAID))
        .withMessageNotContaining("4711");

    assertThat(effects()).isEmpty();
  }

  @Test
  void theCallersTransactionGoesOnAfterAnIllegalTransition() {
    transactions.executeWithoutResult(
        status -> {
          assertThatExceptionOfType(IllegalTransitionException.class)
              .isThrownBy(() -> orders.ship(1));
          assertThatExceptionOfType(ObjectNotFoundException.class).isThrownBy(() -> orders.pay(2));
          orders.pay(1);
        });

    assertThat(state()).isEqualTo("PAID");
  }

  @Test
  void aBodyThatThrowsTakesTheTransitionBack() {
    failing.set(true);

    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> orders.pay(1));
    assertThat(state()).isEqualTo("OPEN");
    assertThat(effects()).isEmpty();

    assertThat(orders.pay(1).isApplied()).isTrue();
  }

  /** Though {@code @Transactional} by itself would commit. */
  @Test
  void aCheckedExceptionTakesItBackToo() {
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> orders.payAndFailChecked(1));

    assertThat(state()).isEqualTo("OPEN");
    assertThat(effects()).isEmpty();
  }

  @Test
  void theCallersRollbackTakesItBack() {
    transactions.executeWithoutResult(
        status -> {
          assertThat(orders.pay(1).isApplied()).isTrue();
          status.setRollbackOnly();
        });

    assertThat(state()).isEqualTo("OPEN");
    assertThat(effects()).isEmpty();
  }

  @Test
  void aTransactionOfTheMethodsOwnKindIsBegun() {
    orders.paySerializable(1);

    assertThat(effects()).containsExactly("SERIALIZABLE");
    assertThatExceptionOfType(IllegalTransactionStateException.class)
        .isThrownBy(() -> orders.shipMandatory(1));
    transactions.executeWithoutResult(status -> orders.shipMandatory(1));
    assertThat(state()).isEqualTo("SHIPPED");
  }

  @Test
  void anIdOfNullIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> orders.payOrder(new Order(null)))
        .withMessageContaining("id = \"#order.id\"")
        .withMessageContaining("Orders.payOrder(Order)");
    orders.payOrder(new Order(1));

    assertThat(effects()).containsExactly("PAID");
  }

  /** As the documentation says: a proxy sees no call of the object on itself. */
  @Test
  void aCallOfTheObjectOnItselfPassesByTheGuard() {
    orders.payByItself(1);
    orders.payByItself(1);

    assertThat(state()).isEqualTo("OPEN");
    assertThat(effects()).containsExactly("PAID", "PAID");
  }

  @Test
  void aStoredResultGoesBeforeTheTransition() {
    assertThat(orders.payOnce("key", 1, null)).isEqualTo("new");
    assertThat(orders.payOnce("key", 1, null)).isEqualTo("new");
    assertThat(orders.payOnce("other key", 1, null)).isEqualTo("old");
    assertThat(effects()).containsExactly("PAID");

    jdbc.update("delete from purchase");
    assertThat(orders.payOnce("key", 1, null)).isEqualTo("new");
  }

  @Test
  void aFailedBodyFreesTheKeyAndTheTransition() {
    failing.set(true);
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() -> orders.payOnce("free", 1, null));

    assertThat(orders.payOnce("free", 1, null)).isEqualTo("new");
    assertThat(effects()).containsExactly("PAID");
  }

  private String state() {
    return jdbc.queryForObject("select state from purchase where id = 1", String.class);
  }

  private List<String> effects() {
    return jdbc.queryForList("select what from effect order by what", String.class);
  }

  enum State {
    OPEN,
    PAID,
    SHIPPED
  }

  record Order(@Nullable Integer id) {}

  static class Orders {

    private final JdbcTemplate jdbc;
    private final AtomicBoolean failing;

    Orders(JdbcTemplate jdbc, AtomicBoolean failing) {
      this.jdbc = jdbc;
      this.failing = failing;
    }

    @GuardedTransition(id = "#id", to = "PAID")
    public Transition<State> pay(int id) {
      effect(id, "PAID");
      return new Transition.Applied<>(State.PAID);
    }

    @Transactional
    @GuardedTransition(guard = "purchases", id = "#p0", to = "PAID")
    public Optional<String> receipt(int id) {
      effect(id, "PAID");
      return Optional.of("receipt");
    }

    @GuardedTransition(id = "#id", to = "PAID")
    public void payInSilence(int id) {
      effect(id, "PAID");
    }

    @GuardedTransition(id = "#order.id", to = "PAID")
    public void payOrder(Order order) {
      effect(1, "PAID");
    }

    @Transactional
    @GuardedTransition(id = "#id", to = "SHIPPED")
    public void ship(int id) {
      effect(id, "SHIPPED");
    }

    @GuardedTransition(id = "#id", to = "PAID")
    public String receiptOf(int id, @Nullable Transition<State> transition) {
      return told(id, transition);
    }

    private String told(int id, @Nullable Transition<State> transition) {
      if (transition == null || transition.isApplied()) {
        effect(id, "PAID");
      }
      return transition != null && transition.isRepeat() ? "old" : "new";
    }

    @Idempotent(key = "#key")
    @GuardedTransition(id = "#id", to = "PAID")
    public String payOnce(String key, int id, @Nullable Transition<State> transition) {
      return told(id, transition);
    }

    @Transactional
    @GuardedTransition(id = "#id", to = "PAID")
    public void payAndFailChecked(int id) throws IOException {
      effect(id, "PAID");
      throw new IOException("no");
    }

    @Transactional(isolation = Isolation.SERIALIZABLE)
    @GuardedTransition(id = "#id", to = "PAID")
    public void paySerializable(int id) {
      boolean serializable =
          Integer.valueOf(Isolation.SERIALIZABLE.value())
              .equals(TransactionSynchronizationManager.getCurrentTransactionIsolationLevel());
      effect(id, serializable ? "SERIALIZABLE" : "OTHER");
    }

    @Transactional(propagation = Propagation.MANDATORY)
    @GuardedTransition(id = "#id", to = "SHIPPED")
    public void shipMandatory(int id) {
      effect(id, "SHIPPED");
    }

    public void payByItself(int id) {
      payInSilence(id);
    }

    /** In the transaction, so that a failure after it has something to take back. */
    private void effect(int id, String what) {
      jdbc.update("insert into effect values (?, ?)", id, what);
      if (failing.compareAndSet(true, false)) {
        throw new IllegalStateException("no");
      }
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  @EnableTransactionManagement
  @Import(Orders.class)
  static class Config {

    @Bean
    PlatformTransactionManager transactionManager(DataSource dataSource) {
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    StateGuard<State> purchases(PlatformTransactionManager manager, DataSource dataSource) {
      return JdbcGuards.of(new SpringJdbcTransactions(manager, dataSource))
          .states(
              StateMachine.ordered(State.OPEN, State.PAID, State.SHIPPED).build(),
              StateTable.of("purchase"));
    }

    @Bean
    SpringTransactionalStore store(PlatformTransactionManager manager, DataSource dataSource) {
      return new SpringTransactionalStore(
          manager, dataSource, Dialect.of(dataSource), JdbcSettings.defaults());
    }

    @Bean(destroyMethod = "close")
    Idempotency idempotency(SpringTransactionalStore store) {
      return Idempotency.builder()
          .transactionalStore(store)
          .codecs(new JacksonResultCodecFactory())
          .build();
    }
  }
}
