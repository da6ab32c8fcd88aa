package io.idem.jdbc;

import io.idem.testkit.TestMySql;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The stores on MySQL, through MariaDB's driver, at READ COMMITTED. */
@EnabledIfEnvironmentVariable(
    named = TestMySql.URL,
    matches = ".+",
    disabledReason = "no MySQL is named")
class MySqlByMariaDbDriverContractTest extends StoreContracts {

  MySqlByMariaDbDriverContractTest() {
    super(Backend.MYSQL_BY_MARIADB_DRIVER);
  }
}
