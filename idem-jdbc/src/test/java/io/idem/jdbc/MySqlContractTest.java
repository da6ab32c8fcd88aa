package io.idem.jdbc;

import io.idem.testkit.TestMySql;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The stores on MySQL, through MySQL's driver. */
@EnabledIfEnvironmentVariable(
    named = TestMySql.URL,
    matches = ".+",
    disabledReason = "no MySQL is named")
class MySqlContractTest extends StoreContracts {

  MySqlContractTest() {
    super(Backend.MYSQL);
  }
}
