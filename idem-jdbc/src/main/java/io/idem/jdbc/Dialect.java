package io.idem.jdbc;

import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.internal.DialectSpec;
import io.idem.jdbc.internal.Failures;
import io.idem.jdbc.internal.RecordTable;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/** A database that Idem keeps records in. */
public enum Dialect {
  /** PostgreSQL 12 and later. */
  POSTGRESQL,
  /** H2 2.3 and later. */
  H2;

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
      return of(connection);
    } catch (SQLException e) {
      throw Failures.unavailable("Asking the database for its name", e);
    }
  }

  /**
   * Finds out which database this is.
   *
   * @param connection a connection to it, left open
   * @return its dialect
   * @throws IllegalStateException if Idem does not know it; there is no default
   * @throws StoreUnavailableException if it does not say
   */
  public static Dialect of(Connection connection) {
    try {
      DatabaseMetaData metaData = connection.getMetaData();
      return of(
          metaData.getDatabaseProductName(),
          metaData.getDatabaseMajorVersion(),
          metaData.getDatabaseMinorVersion());
    } catch (SQLException e) {
      throw Failures.unavailable("Asking the database for its name", e);
    }
  }

  static Dialect of(String product, int major, int minor) {
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
            + Arrays.stream(values()).map(Dialect::supported).collect(Collectors.joining(" and "))
            + ": use one of these or a store that needs no database");
  }

  private String supported() {
    return spec().product() + " " + spec().minMajor() + "." + spec().minMinor() + " or later";
  }

  DialectSpec spec() {
    return switch (this) {
      case POSTGRESQL -> DialectSpec.POSTGRESQL;
      case H2 -> DialectSpec.H2;
    };
  }

  RecordTable table(JdbcSettings settings) {
    return new RecordTable(
        spec(), settings.tableName(), settings.storeLabels(), settings.queryTimeout());
  }
}
