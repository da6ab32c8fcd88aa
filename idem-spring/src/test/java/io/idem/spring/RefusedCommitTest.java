package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.idem.core.Decision;
import io.idem.core.DecisionEvent;
import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.CommitRefusedException;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.KeyLock;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.testkit.TestPostgres;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.orm.jpa.persistenceunit.PersistenceManagedTypes;
import org.springframework.orm.jpa.vendor.HibernateJpaVendorAdapter;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.UnexpectedRollbackException;
import org.springframework.transaction.support.TransactionTemplate;

/** What PostgreSQL refuses at the commit of Spring's transactions is the method's failure. */
class RefusedCommitTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("k");

  private final DataSource dataSource = TestPostgres.shared().newDatabase();
  private final JdbcTemplate jdbc = new JdbcTemplate(dataSource);
  private final List<DecisionEvent> events = new CopyOnWriteArrayList<>();

  RefusedCommitTest() {
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    jdbc.execute("CREATE TABLE late (name VARCHAR(32) UNIQUE DEFERRABLE INITIALLY DEFERRED)");
  }

  enum Manager {
    JDBC {
      @Override
      PlatformTransactionManager of(DataSource dataSource) {
        return new JdbcTransactionManager(dataSource);
      }
    },
    PLAIN {
      @Override
      PlatformTransactionManager of(DataSource dataSource) {
        return new DataSourceTransactionManager(dataSource);
      }
    },
    JPA {
      @Override
      PlatformTransactionManager of(DataSource dataSource) {
        LocalContainerEntityManagerFactoryBean factory =
            new LocalContainerEntityManagerFactoryBean();
        factory.setDataSource(dataSource);
        factory.setJpaVendorAdapter(new HibernateJpaVendorAdapter());
        factory.setManagedTypes(PersistenceManagedTypes.of());
        factory.afterPropertiesSet();
        return new JpaTransactionManager(factory.getObject());
      }
    };

    abstract PlatformTransactionManager of(DataSource dataSource);
  }

  /** As the same constraint does where it is checked by the statement. */
  @ParameterizedTest
  @EnumSource
  void aConstraintThatIsCheckedLateIsToldAsOneThatIsNot(Manager manager) {
    try (Idempotency engine = engine(manager.of(dataSource))) {
      Operation<Void> book = engine.operation("book").build();
      Operation<String> pay = engine.operation("pay", String.class).build();
      for (Runnable call :
          List.<Runnable>of(
              () -> book.execute(KEY, attempt -> violating(null)),
              () -> pay.execute(KEY, attempt -> violating("paid")))) {
        assertThatThrownBy(call::run)
            .isInstanceOf(DataIntegrityViolationException.class)
            .rootCause()
            .isInstanceOfSatisfying(
                SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("23505"));
      }
      assertThat(pay.execute("k", () -> "again")).isInstanceOf(Execution.Ran.class);
    }
    assertThat(rows("late")).isZero();
    assertThat(events)
        .extracting(DecisionEvent::decision)
        .containsExactly(Decision.FAILED, Decision.FAILED, Decision.RAN);
  }

  /** PostgreSQL rolls back what has failed, and its driver does not say so. */
  @ParameterizedTest
  @EnumSource
  void aMethodThatSwallowsAnErrorHasFailed(Manager manager) {
    try (Idempotency engine = engine(manager.of(dataSource))) {
      Operation<Void> book = engine.operation("book").build();
      Operation<String> pay = engine.operation("pay", String.class).build();
      assertThatThrownBy(() -> book.execute(KEY, attempt -> swallowing(null)))
          .isInstanceOf(CommitRefusedException.class);
      assertThatThrownBy(() -> pay.execute(KEY, attempt -> swallowing("paid")))
          .isInstanceOf(CommitRefusedException.class);
    }
    assertThat(rows("idem_record")).isZero();
    assertThat(events)
        .extracting(DecisionEvent::decision)
        .containsExactly(Decision.FAILED, Decision.FAILED);
  }

  @ParameterizedTest
  @EnumSource
  void soItIsInTheCallersTransactionWhichCannotBeCommitted(Manager manager) {
    PlatformTransactionManager transactions = manager.of(dataSource);
    try (Idempotency engine = engine(transactions)) {
      Operation<Void> book = engine.operation("book").build();
      Throwable thrown =
          catchThrowable(
              () ->
                  new TransactionTemplate(transactions)
                      .executeWithoutResult(
                          status ->
                              assertThatThrownBy(
                                      () -> book.execute(KEY, attempt -> swallowing(null)))
                                  .isInstanceOf(CommitRefusedException.class)));
      assertThat(thrown).isInstanceOf(UnexpectedRollbackException.class);
    }
    assertThat(rows("idem_record")).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void soItIsUnderAGuardsLock(Manager manager) {
    KeyLock lock =
        JdbcGuards.of(new SpringJdbcTransactions(manager.of(dataSource), dataSource)).keys("n");
    assertThatThrownBy(() -> lock.run("k", Duration.ZERO, (key, connection) -> swallowing("done")))
        .isInstanceOf(CommitRefusedException.class);
  }

  /** And whatever else runs in such transactions: a method behind a guard, a log's position. */
  @ParameterizedTest
  @EnumSource
  void soItIsInATransactionWithoutAnOperation(Manager manager) {
    SpringJdbcTransactions transactions =
        new SpringJdbcTransactions(manager.of(dataSource), dataSource);
    assertThatThrownBy(() -> transactions.inTransaction(transaction -> swallowing("done")))
        .isInstanceOf(CommitRefusedException.class);

    new TransactionTemplate(transactions.transactionManager())
        .executeWithoutResult(
            status -> {
              assertThatThrownBy(
                      () -> transactions.inTransaction(transaction -> swallowing("done")))
                  .isInstanceOf(CommitRefusedException.class);
              assertThat(status.isRollbackOnly()).isTrue();
              status.setRollbackOnly();
            });
  }

  private Idempotency engine(PlatformTransactionManager transactions) {
    return Idempotency.builder()
        .transactionalStore(
            new SpringTransactionalStore(
                transactions, dataSource, Dialect.POSTGRESQL, JdbcSettings.defaults()))
        .listener(events::add)
        .build();
  }

  private <T> T violating(T answer) {
    jdbc.update("INSERT INTO late VALUES ('x'), ('x')");
    return answer;
  }

  private <T> T swallowing(T answer) {
    try {
      jdbc.update("INSERT INTO nowhere VALUES ('x')");
    } catch (DataAccessException e) {
      return answer;
    }
    throw new AssertionError("There is such a table");
  }

  private int rows(String table) {
    return jdbc.queryForObject("SELECT count(*) FROM " + table, Integer.class);
  }
}
