package io.idem.examples.payments;

import java.nio.file.Path;

/** An H2 database in one file, opened inside this process. */
final class H2Database implements LocalDatabase {

  /**
   * How the file is opened.
   *
   * <ul>
   *   <li>{@code WRITE_DELAY=0}: a commit returns after its pages were handed to the operating
   *       system, so a killed process loses nothing it has answered for. H2's default, half a
   *       second of delay, would lose payments that callers already saw. H2 does not wait for the
   *       disk itself; where a power cut must lose nothing either, use PostgreSQL.
   *   <li>{@code DB_CLOSE_ON_EXIT=FALSE}: closing the pool closes the file. H2's own shutdown hook
   *       would close it under the last running requests.
   * </ul>
   */
  private static final String SETTINGS = ";WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE";

  /**
   * One, so that nothing writes while a commit is being saved. H2 saves its tables one after the
   * other: the file of a process killed while two transactions write can hold changes of a
   * transaction without the log to undo them, and H2 then keeps half of it.
   */
  private static final int CONNECTIONS = 1;

  private final DataDirectory directory;

  H2Database(Path dataDir) {
    this.directory = DataDirectory.open(dataDir);
  }

  @Override
  public String getJdbcUrl() {
    return "jdbc:h2:file:" + directory.path().resolve("payments") + SETTINGS;
  }

  @Override
  public String getUsername() {
    return "payments";
  }

  @Override
  public String getPassword() {
    return "";
  }

  @Override
  public int maxConnections() {
    return CONNECTIONS;
  }

  @Override
  public void close() {
    directory.close();
  }
}
