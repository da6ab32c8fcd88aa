package io.idem.jdbc;

import io.idem.testkit.TestMariaDb;
import io.idem.testkit.TestMySql;
import io.idem.testkit.TestPostgres;
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
      return TestMariaDb.shared().newDatabase("mariadb", TestMariaDb.shared().snapshotIsolation());
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

  /** MySQL's statements, through MySQL's driver, on a MariaDB that is taken for a MySQL. */
  MYSQL_STATEMENTS_ON_MARIADB(Dialect.MYSQL) {
    @Override
    DataSource empty() {
      return TestMariaDb.shared().newDatabase("mysql", "useAffectedRows=true");
    }
  },

  /** Only where the environment names a MySQL; skipped elsewhere. */
  MYSQL(Dialect.MYSQL) {
    @Override
    DataSource empty() {
      return TestMySql.shared().newDatabase("mysql", "useAffectedRows=true");
    }
  },

  /** At READ COMMITTED and with statements prepared on the server. Skipped as {@link #MYSQL} is. */
  MYSQL_BY_MARIADB_DRIVER(Dialect.MYSQL) {
    @Override
    DataSource empty() {
      return TestMySql.shared()
          .newDatabase("mariadb", "useServerPrepStmts=true&transactionIsolation=READ-COMMITTED");
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

  /** Whether a transaction of this backend that has a snapshot may not lock what is newer. */
  boolean refusesWhatIsNewer() {
    return switch (this) {
      case H2, POSTGRESQL -> true;
      case MARIADB -> !TestMariaDb.shared().snapshotIsolation().isEmpty();
      default -> false;
    };
  }
}
