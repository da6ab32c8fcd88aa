package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.guard.IllegalTransitionException;
import io.idem.guard.Locked;
import io.idem.guard.StateMachine;
import io.idem.guard.Transition;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.StateGuard;
import io.idem.guard.jdbc.StateTable;
import jakarta.persistence.Entity;
import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.h2.jdbcx.JdbcDataSource;
import org.hibernate.jpa.HibernatePersistenceProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.orm.jpa.EntityManagerFactoryUtils;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.orm.jpa.persistenceunit.PersistenceManagedTypes;
import org.springframework.orm.jpa.vendor.HibernateJpaVendorAdapter;
import org.springframework.transaction.support.TransactionTemplate;

/** Guards join Spring's transactions, on the connection that an ORM and JdbcTemplate share. */
class GuardsInTransactionsTest {

  enum State {
    OPEN,
    PAID,
    SHIPPED
  }

  @Entity
  @Table(name = "guarded_order")
  static class GuardedOrder {
    @Id long id;
    String state = "OPEN";

    GuardedOrder() {}

    GuardedOrder(long id) {
      this.id = id;
    }
  }

  private LocalContainerEntityManagerFactoryBean factory;
  private EntityManagerFactory entities;
  private TransactionTemplate transactions;
  private JdbcTemplate jdbc;
  private JdbcGuards guards;
  private StateGuard<State> orders;

  @BeforeEach
  void start() {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    jdbc = new JdbcTemplate(dataSource);
    factory = new LocalContainerEntityManagerFactoryBean();
    factory.setDataSource(dataSource);
    factory.setPersistenceProviderClass(HibernatePersistenceProvider.class);
    factory.setManagedTypes(PersistenceManagedTypes.of(GuardedOrder.class.getName()));
    factory.setJpaVendorAdapter(new HibernateJpaVendorAdapter());
    factory.setJpaPropertyMap(Map.of("hibernate.hbm2ddl.auto", "create"));
    factory.afterPropertiesSet();
    entities = factory.getObject();
    JpaTransactionManager manager = new JpaTransactionManager(entities);
    manager.afterPropertiesSet();
    transactions = new TransactionTemplate(manager);
    guards = JdbcGuards.of(new SpringJdbcTransactions(manager, dataSource));
    orders =
        guards.states(
            StateMachine.ordered(State.OPEN, State.PAID, State.SHIPPED).build(),
            StateTable.of("guarded_order"));
  }

  @AfterEach
  void end() {
    factory.destroy();
  }

  private void persist(long id) {
    EntityManager manager = EntityManagerFactoryUtils.getTransactionalEntityManager(entities);
    manager.persist(new GuardedOrder(id));
  }

  private int rows(String state) {
    return jdbc.queryForObject(
        "SELECT count(*) FROM guarded_order WHERE state = ?", Integer.class, state);
  }

  @Test
  void aGuardSeesWhatTheEntityManagerHasNotWrittenYetAndCommitsWithIt() {
    transactions.executeWithoutResult(
        status -> {
          persist(1);
          assertThat(orders.transition(1, State.PAID).isApplied()).isTrue();
          assertThat(rows("PAID")).isEqualTo(1);
        });

    assertThat(rows("PAID")).isEqualTo(1);
    assertThat(orders.transition(1, State.PAID))
        .isEqualTo(new Transition.AlreadyThere<>(State.PAID));
  }

  @Test
  void aRollbackUndoesBoth() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                transactions.executeWithoutResult(
                    status -> {
                      persist(1);
                      orders.transition(1, State.PAID);
                      throw new IllegalStateException("no");
                    }));

    assertThat(jdbc.queryForObject("SELECT count(*) FROM guarded_order", Integer.class)).isZero();
  }

  /** An illegal transition is the caller's to judge: it does not doom the transaction. */
  @Test
  void theTransactionGoesOnAfterAnIllegalTransition() {
    transactions.executeWithoutResult(
        status -> {
          persist(1);
          try {
            orders.transition(1, State.SHIPPED);
          } catch (IllegalTransitionException e) {
            persist(2);
          }
        });

    assertThat(rows("OPEN")).isEqualTo(2);
  }

  @Test
  void aLockOutlivesItsWorkUntilSpringsTransactionEnds() {
    transactions.executeWithoutResult(status -> persist(1));

    transactions.executeWithoutResult(
        status -> {
          assertThat(lock()).isTrue();
          assertThat(inAnotherThread()).isFalse();
        });

    assertThat(inAnotherThread()).isTrue();
  }

  private boolean lock() {
    return guards
        .rows("guarded_order", "id")
        .run(1, Duration.ZERO, (row, connection) -> row)
        .equals(new Locked.Ran<>(1));
  }

  private boolean inAnotherThread() {
    return CompletableFuture.supplyAsync(this::lock).join();
  }
}
