package io.idem.guard.jdbc;

import io.idem.testkit.TestMySql;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The guards on MySQL. */
@EnabledIfEnvironmentVariable(
    named = TestMySql.URL,
    matches = ".+",
    disabledReason = "no MySQL is named")
class MySqlGuardsTest extends GuardContract {

  MySqlGuardsTest() {
    super(Backend.MYSQL);
  }
}
