package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.persistence.PersistenceContext;
import jakarta.persistence.Table;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.orm.jpa.vendor.HibernateJpaVendorAdapter;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/** The record and what an ORM writes commit together. */
class JpaTransactionalTest {

  private AnnotationConfigApplicationContext context;
  private Orders orders;
  private JdbcTemplate jdbc;

  @BeforeEach
  void start() {
    context = new AnnotationConfigApplicationContext(Config.class);
    orders = context.getBean(Orders.class);
    jdbc = new JdbcTemplate(context.getBean(DataSource.class));
  }

  @AfterEach
  void end() {
    context.close();
  }

  @Test
  void aRepeatSavesNothing() {
    long id = orders.place("A-1", "unique", false);

    assertThat(orders.place("A-1", "unique", false)).isEqualTo(id);
    assertThat(rows("purchase")).isEqualTo(1);
    assertThat(rows("idem_record")).isEqualTo(1);
  }

  @Test
  void aRollbackFreesTheKey() {
    assertThatThrownBy(() -> orders.place("A-1", "unique", true))
        .isInstanceOf(IllegalStateException.class);
    assertThat(rows("purchase")).isZero();
    assertThat(rows("idem_record")).isZero();

    orders.place("A-2", "unique", false);

    assertThat(rows("purchase")).isEqualTo(1);
  }

  @Test
  void aConstraintThatTheFlushBreaksIsTheCallsFailureAndFreesTheKey() {
    orders.place("A-1", "taken", false);

    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> orders.place("A-2", "taken", false))
          .hasStackTraceContaining("constraint");
    }
    assertThat(rows("purchase")).isEqualTo(1);
    assertThat(rows("idem_record")).isEqualTo(1);
  }

  @Test
  void whatTheFlushFindsIsKnownBeforeTheCommit() {
    orders.place("A-1", "taken", false);
    SpringTransactionalStore store = context.getBean(SpringTransactionalStore.class);

    assertThatThrownBy(
            () ->
                store.<Long, RuntimeException>inTransaction(
                    scope -> {
                      long id = orders.save("taken");
                      assertThatThrownBy(scope::flush).hasStackTraceContaining("constraint");
                      scope.setRollbackOnly();
                      throw new IllegalStateException("seen " + (id > 0));
                    }))
        .hasMessage("seen true");
    assertThat(rows("purchase")).isEqualTo(1);
  }

  private long rows(String table) {
    return jdbc.queryForObject("select count(*) from " + table, Long.class);
  }

  @Configuration
  @EnableIdempotency
  @EnableTransactionManagement
  @Import(Orders.class)
  static class Config {

    @Bean
    DataSource dataSource() {
      JdbcDataSource h2 = new JdbcDataSource();
      h2.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
      new JdbcSchema(h2, JdbcSettings.defaults()).createIfAbsent();
      return h2;
    }

    @Bean
    LocalContainerEntityManagerFactoryBean entityManagerFactory(DataSource dataSource) {
      LocalContainerEntityManagerFactoryBean factory = new LocalContainerEntityManagerFactoryBean();
      factory.setDataSource(dataSource);
      factory.setJpaVendorAdapter(new HibernateJpaVendorAdapter());
      factory.setManagedTypes(
          org.springframework.orm.jpa.persistenceunit.PersistenceManagedTypes.of(
              Purchase.class.getName()));
      factory.setJpaPropertyMap(Map.of("hibernate.hbm2ddl.auto", "create"));
      return factory;
    }

    @Bean
    JpaTransactionManager transactionManager(EntityManagerFactory factory) {
      return new JpaTransactionManager(factory);
    }

    @Bean
    SpringTransactionalStore transactionalStore(
        JpaTransactionManager manager, DataSource dataSource) {
      return new SpringTransactionalStore(manager, dataSource, Dialect.H2, JdbcSettings.defaults());
    }

    @Bean(destroyMethod = "close")
    Idempotency idempotency(SpringTransactionalStore store) {
      return Idempotency.builder()
          .transactionalStore(store)
          .codecs(new JacksonResultCodecFactory())
          .build();
    }
  }

  @Entity
  @Table(name = "purchase")
  static class Purchase {
    // By sequence, so that the row is written by the flush and not before.
    @Id @GeneratedValue Long id;

    @Column(unique = true)
    String number;
  }

  static class Orders {

    @PersistenceContext private EntityManager entities;

    @Idempotent(key = "#key")
    @Transactional
    public long place(String key, String number, boolean fail) {
      long id = save(number);
      if (fail) {
        throw new IllegalStateException("after the save");
      }
      return id;
    }

    @Transactional
    public long save(String number) {
      Purchase purchase = new Purchase();
      purchase.number = number;
      entities.persist(purchase);
      return purchase.id;
    }
  }
}
