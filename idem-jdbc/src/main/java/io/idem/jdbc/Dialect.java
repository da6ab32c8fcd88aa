package io.idem.jdbc;

import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.internal.DialectSpec;
import io.idem.jdbc.internal.FailedTransaction;
import io.idem.jdbc.internal.Failures;
import io.idem.jdbc.internal.RecordTable;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/** A database that Idem keeps records in. */
public enum Dialect {
  /** PostgreSQL 12 and later. */
  POSTGRESQL,
  /** H2 2.3 and later. */
  H2,
  /** MariaDB 10.6 and later, through MariaDB's driver or MySQL's. */
  MARIADB,
  /** MySQL 8.0 and later, through MySQL's driver or MariaDB's. */
  MYSQL;

  /**
   * MySQL's driver calls MariaDB MySQL, but tells its version: 11.4.5-MariaDB-log, or
   * 10.6.14-9-MariaDB-enterprise-log.
   */
  private static final Pattern MARIADB_VERSION =
      Pattern.compile("(?:5\\.5\\.5-)?(\\d+)\\.(\\d+)\\.\\d+(?:-\\d+)?-MariaDB.*");

  /** Databases that call themselves MySQL and lock in their own way. */
  private static final Pattern NOT_MYSQL =
      Pattern.compile(".*(TiDB|Vitess|OceanBase).*", Pattern.CASE_INSENSITIVE);

  /** Databases that speak as PostgreSQL does, call themselves so, and lock in their own way. */
  private static final Pattern NOT_POSTGRESQL =
      Pattern.compile(".*(CockroachDB|-YB-|Yugabyte).*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  /**
   * Finds out which database this is.
   *
   * @param dataSource gives a connection to it
   * @return its dialect
   * @throws IllegalStateException if Idem does not know it; there is no default
   * @throws StoreUnavailableException if it cannot be reached
   */
  public static Dialect of(DataSource dataSource) {
    try (Connection connection = dataSource.getConnection()) {
      // Not every pool ends what a connection is given back with; but it may be the caller's, whose
      // transaction is not for us to end.
      boolean begins = !connection.getAutoCommit() && FailedTransaction.isNone(connection);
      try {
        return of(connection);
      } finally {
        if (begins) {
          Failures.endQuestion(connection);
        }
      }
    } catch (SQLException e) {
      throw Failures.unavailable("Asking the database for its name", e);
    }
  }

  /**
   * Finds out which database this is.
   *
   * @param connection a connection to it, left open; PostgreSQL is asked by a query, which begins a
   *     transaction where autocommit is off and none is there
   * @return its dialect
   * @throws IllegalStateException if Idem does not know it; there is no default
   * @throws StoreUnavailableException if it does not say
   */
  public static Dialect of(Connection connection) {
    try {
      DatabaseMetaData metaData = connection.getMetaData();
      String name = metaData.getDatabaseProductName();
      return of(
          name,
          name.equals(DialectSpec.POSTGRESQL.product())
              ? fullVersion(connection)
              : metaData.getDatabaseProductVersion(),
          metaData.getDatabaseMajorVersion(),
          metaData.getDatabaseMinorVersion());
    } catch (SQLException e) {
      throw Failures.unavailable("Asking the database for its name", e);
    }
  }

  static Dialect of(String name, String version, int major, int minor) {
    Matcher mariaDb = MARIADB_VERSION.matcher(version);
    if (mariaDb.matches()) {
      return of(
          DialectSpec.MARIADB.product(),
          Integer.parseInt(mariaDb.group(1)),
          Integer.parseInt(mariaDb.group(2)));
    }
    boolean foreign =
        name.equals(DialectSpec.POSTGRESQL.product())
            ? NOT_POSTGRESQL.matcher(version).matches()
            : NOT_MYSQL.matcher(version).matches();
    return of(foreign ? version : name, major, minor);
  }

  /** The driver has the number only, which those who speak as PostgreSQL does give as well. */
  private static String fullVersion(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT version()")) {
      return row.next() ? String.valueOf(row.getString(1)) : "";
    }
  }

  private static Dialect of(String product, int major, int minor) {
    for (Dialect dialect : values()) {
      DialectSpec spec = dialect.spec();
      if (spec.product().equals(product)) {
        if (major < spec.minMajor() || (major == spec.minMajor() && minor < spec.minMinor())) {
          break;
        }
        return dialect;
      }
    }
    throw new IllegalStateException(
        "Idem cannot keep records in "
            + product
            + " "
            + major
            + "."
            + minor
            + ". It can in "
            + Arrays.stream(values()).map(Dialect::supported).collect(Collectors.joining(", "))
            + ": use one of these or a store that needs no database");
  }

  private String supported() {
    return spec().product() + " " + spec().minMajor() + "." + spec().minMinor() + " or later";
  }

  DialectSpec spec() {
    return switch (this) {
      case POSTGRESQL -> DialectSpec.POSTGRESQL;
      case H2 -> DialectSpec.H2;
      case MARIADB -> DialectSpec.MARIADB;
      case MYSQL -> DialectSpec.MYSQL;
    };
  }

  RecordTable table(JdbcSettings settings) {
    requireSupport(settings);
    return new RecordTable(
        spec(),
        settings.tableName(),
        settings.storeLabels(),
        settings.partitioning() != null,
        settings.lockWait(),
        settings.queryTimeout());
  }

  /** Refuses settings that this database cannot hold. */
  void requireSupport(JdbcSettings settings) {
    if (settings.partitioning() != null && this != POSTGRESQL) {
      throw new IllegalArgumentException(
          "Tables are partitioned on PostgreSQL only, and this is "
              + spec().product()
              + ": leave the partitioning out of the settings");
    }
    if (settings.lockWait() == LockWait.OF_SESSION && this != POSTGRESQL) {
      throw new IllegalArgumentException(
          "Connections bound the wait of claims on PostgreSQL only, and this is "
              + spec().product()
              + ": leave the lock wait of the settings as it is by default");
    }
  }
}
