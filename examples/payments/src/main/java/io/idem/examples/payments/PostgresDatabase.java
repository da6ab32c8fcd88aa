package io.idem.examples.payments;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A PostgreSQL server of our own, on a free port of the loopback interface, whose data directory
 * stays between runs. It stops with the service; one that outlived a killed service is stopped
 * before the next start. Connections need no password, as befits a demonstration on one machine.
 */
final class PostgresDatabase implements LocalDatabase {

  /** Long enough for the recovery after a crash. */
  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);

  private static final int CONNECTIONS = 10;

  private final DataDirectory directory;
  private final EmbeddedPostgres server;

  PostgresDatabase(Path dataDir) {
    this.directory = DataDirectory.open(dataDir);
    try {
      Path data = directory.path().resolve("postgres");
      new Postmaster(data).stopIfLeftOver();
      this.server = start(data, directory.path().resolve("postgres.log"));
    } catch (IOException | RuntimeException e) {
      directory.close();
      throw e instanceof StartupProblem problem ? problem : cannotStart(e);
    }
  }

  private static EmbeddedPostgres start(Path data, Path log) throws IOException {
    return EmbeddedPostgres.builder()
        .setDataDirectory(data)
        .setCleanDataDirectory(false)
        // The context stops it after the pool is closed; a hook of its own would run beside that.
        .setRegisterShutdownHook(false)
        // The builder's defaults are made for tests that may lose everything. This ledger may not.
        .setServerConfig("fsync", "on")
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("max_connections", "100")
        .setServerConfig("listen_addresses", "127.0.0.1")
        .setServerConfig("unix_socket_directories", "")
        .setLocaleConfig("locale", "C")
        .setPGStartupWait(START_TIMEOUT)
        .setOutputRedirector(Redirect.appendTo(log.toFile()))
        .start();
  }

  private StartupProblem cannotStart(Exception cause) {
    return new StartupProblem(
        "The embedded PostgreSQL in " + directory.path() + " does not start: " + cause + ".",
        "See postgres.log there, or run with --payments.store=h2.",
        cause);
  }

  @Override
  public String getJdbcUrl() {
    return "jdbc:postgresql://127.0.0.1:" + server.getPort() + "/postgres";
  }

  @Override
  public String getUsername() {
    return "postgres";
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
    try (directory) {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
