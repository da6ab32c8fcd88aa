package io.idem.jdbc.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The DDL of one dialect and table, and what a database holds of it. */
public final class SchemaScript {

  /** The version of the schema that this version of Idem reads and writes. */
  public static final int VERSION = 1;

  /**
   * What a script makes.
   *
   * @param comment what the table's comment says before the version
   * @param defaultTable the table's name in the script
   * @param folder follows the dialect in the name of the script's folder
   */
  private record Kind(String comment, String defaultTable, String folder) {

    static final Kind RECORDS = new Kind("Idem schema ", "idem_record", "");
    static final Kind PARTITIONED = new Kind(RECORDS.comment, RECORDS.defaultTable, "-partitioned");
    static final Kind POSITIONS =
        new Kind("Idem positions schema ", "idem_log_position", "-positions");
  }

  private final DialectSpec dialect;
  private final TableName table;
  private final Kind kind;

  /**
   * Names the script.
   *
   * @param dialect the database
   * @param table the table
   * @param partitioned whether it is partitioned by the time inside its keys
   */
  public SchemaScript(DialectSpec dialect, TableName table, boolean partitioned) {
    this(dialect, table, partitioned ? Kind.PARTITIONED : Kind.RECORDS);
  }

  private SchemaScript(DialectSpec dialect, TableName table, Kind kind) {
    this.dialect = dialect;
    this.table = table;
    this.kind = kind;
  }

  /**
   * Names the script of a table of positions.
   *
   * @param dialect the database
   * @param table the table
   * @return the script
   */
  public static SchemaScript ofPositions(DialectSpec dialect, TableName table) {
    return new SchemaScript(dialect, table, Kind.POSITIONS);
  }

  /**
   * Where the script lies on the class path.
   *
   * @return the path, without a leading slash
   */
  public String resource() {
    return "io/idem/jdbc/schema/"
        + dialect.folder()
        + kind.folder
        + "/V"
        + VERSION
        + "__"
        + kind.defaultTable
        + ".sql";
  }

  /**
   * The script for this table.
   *
   * @return the DDL
   */
  public String text() {
    ClassLoader loader = SchemaScript.class.getClassLoader();
    try (InputStream in = loader.getResourceAsStream(resource())) {
      if (in == null) {
        throw new IllegalStateException(resource() + " is missing from the class path");
      }
      String index =
          (dialect.schema().indexInSchema() ? table.value() : table.simpleName()) + "_expires_at";
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .replaceAll("\\b" + kind.defaultTable + "_expires_at\\b", index)
          .replaceAll("\\b" + kind.defaultTable + "(_low|_high|_rest)?\\b", table.value() + "$1");
    } catch (IOException e) {
      throw new UncheckedIOException(resource() + " cannot be read", e);
    }
  }

  /**
   * The schema version that the table carries.
   *
   * @param connection the database
   * @return the version; null if there is no table, or one that is not Idem's
   * @throws SQLException if the database fails
   */
  public @Nullable Integer installedVersion(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(dialect.schema().comment())) {
      statement.setString(1, table.schemaPrefix());
      statement.setString(2, table.simpleName());
      try (ResultSet result = statement.executeQuery()) {
        String comment = result.next() ? result.getString(1) : null;
        return comment != null && comment.matches(kind.comment + "\\d{1,6}")
            ? Integer.valueOf(comment.substring(kind.comment.length()))
            : null;
      }
    }
  }

  /**
   * Whether the table has the layout that it is said to have.
   *
   * @param connection the database
   * @return false if it is partitioned and is not said to be, or the other way round
   * @throws SQLException if the database fails
   */
  public boolean hasLayout(Connection connection) throws SQLException {
    String layout = dialect.schema().partitioned();
    if (layout == null) {
      return true;
    }
    try (PreparedStatement statement = connection.prepareStatement(layout)) {
      statement.setString(1, table.value());
      try (ResultSet result = statement.executeQuery()) {
        return result.next() && result.getBoolean(1) == kind.equals(Kind.PARTITIONED);
      }
    }
  }

  /**
   * Whether the script may be run again after it failed half-way.
   *
   * @return true where no lock keeps other creators out
   */
  public boolean isRepeatable() {
    return dialect.schema().lock() == null;
  }

  /**
   * Runs the script, unless somebody else did so first.
   *
   * @param connection the database, in a transaction
   * @throws SQLException if the database fails, or if the table is there and not Idem's
   */
  public void run(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      String lock = dialect.schema().lock();
      if (lock != null) {
        statement.execute(lock);
        if (installedVersion(connection) != null) {
          return;
        }
      }
      for (String ddl : statements()) {
        statement.execute(ddl);
      }
    }
  }

  private List<String> statements() {
    String withoutComments = text().replaceAll("(?m)^\\s*--.*$", "");
    return Arrays.stream(withoutComments.split(";"))
        .map(String::strip)
        .filter(ddl -> !ddl.isEmpty())
        .toList();
  }
}
