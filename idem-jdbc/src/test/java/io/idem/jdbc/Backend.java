package io.idem.jdbc;

import io.idem.testkit.TestMariaDb;
import io.idem.testkit.TestPostgres;
import java.util.Objects;
import java.util.UUID;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;

/** A database and the driver it is reached through. */
enum Backend {
  H2(Dialect.H2) {
    @Override
    DataSource empty() {
      JdbcDataSource dataSource = new JdbcDataSource();
      dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
      return dataSource;
    }
  },

  POSTGRESQL(Dialect.POSTGRESQL) {
    @Override
    DataSource empty() {
      return TestPostgres.shared().newDatabase();
    }
  },

  /** As an application finds it, but for a session that refuses to read behind its snapshot. */
  MARIADB(Dialect.MARIADB) {
    @Override
    DataSource empty() {
      return TestMariaDb.shared()
          .newDatabase("mariadb", "sessionVariables=innodb_snapshot_isolation=ON");
    }
  },

  /** Prepared on the server, with counts of changed rows instead of matched ones. */
  MARIADB_PREPARED(Dialect.MARIADB) {
    @Override
    DataSource empty() {
      return TestMariaDb.shared()
          .newDatabase(
              "mariadb",
              "useServerPrepStmts=true&useAffectedRows=true&transactionIsolation=READ-COMMITTED");
    }
  },

  MARIADB_BY_MYSQL_DRIVER(Dialect.MARIADB) {
    @Override
    DataSource empty() {
      return TestMariaDb.shared().newDatabase("mysql", "useServerPrepStmts=true");
    }
  },

  /** A MySQL where the environment names one, else a MariaDB addressed as if it were one. */
  MYSQL(Dialect.MYSQL) {
    @Override
    DataSource empty() {
      return Objects.requireNonNullElseGet(TestMariaDb.mysql(), TestMariaDb::shared)
          .newDatabase("mysql", "useAffectedRows=true");
    }
  };

  private final Dialect dialect;

  Backend(Dialect dialect) {
    this.dialect = dialect;
  }

  Dialect dialect() {
    return dialect;
  }

  boolean isInnoDb() {
    return dialect == Dialect.MARIADB || dialect == Dialect.MYSQL;
  }

  /** A database without any table. */
  abstract DataSource empty();

  /** A database with the schema and a table of effects. */
  TestDatabase prepared() {
    return new TestDatabase(empty(), dialect).prepared();
  }
}
