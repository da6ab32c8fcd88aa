package io.idem.spring.boot;

import io.idem.testkit.http.ContractRejection;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.annotation.Transactional;

/** Its effects are rows of the database that the records are in. */
@Configuration(proxyBeanMethods = false)
@Import({ContractApplication.class, TransactionalContractApplication.Rows.class})
class TransactionalContractApplication {

  static class Rows implements ContractApplication.Effects {

    private final JdbcTemplate jdbc;

    Rows(JdbcTemplate jdbc) {
      this.jdbc = jdbc;
    }

    @Override
    @Transactional
    public void add(String name) {
      jdbc.update("insert into effect values (?)", name);
    }

    @Override
    @Transactional
    public void addAndReject(String name) {
      add(name);
      throw new ContractRejection("no funds");
    }
  }
}
