package io.idem.examples.payments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The server process that a PostgreSQL data directory names in its {@code postmaster.pid}. A
 * service that was killed leaves its server running; a machine that was restarted leaves only the
 * file, whose process number may by now belong to anyone.
 *
 * <p>To be used by the holder of the {@link DataDirectory} only: then a server found running is
 * certainly nobody's.
 */
final class Postmaster {

  private static final long STOP_TIMEOUT_SECONDS = 30;

  private final Path data;
  private final Path pidFile;

  Postmaster(Path data) {
    this.data = data;
    this.pidFile = data.resolve("postmaster.pid");
  }

  /**
   * Stops a server that is still running and removes a file that names no server.
   *
   * @throws StartupProblem when the server does not stop in time; it is left as it is
   */
  void stopIfLeftOver() throws IOException {
    Optional<ProcessHandle> named = namedProcess();
    if (named.isEmpty()) {
      return; // PostgreSQL itself replaces the file of a process that is gone
    }
    ProcessHandle process = named.get();
    Optional<String[]> arguments = process.info().arguments();
    if (arguments.isEmpty()) {
      return; // cannot be told on this system: PostgreSQL decides, and refuses to start when in
      // doubt
    }
    if (List.of(arguments.get()).contains(data.toString())) {
      stop(process);
    } else {
      Files.deleteIfExists(pidFile);
    }
  }

  private Optional<ProcessHandle> namedProcess() throws IOException {
    if (!Files.exists(pidFile)) {
      return Optional.empty();
    }
    List<String> lines = Files.readAllLines(pidFile);
    try {
      return lines.isEmpty()
          ? Optional.empty()
          : ProcessHandle.of(Long.parseLong(lines.get(0).trim()));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /**
   * Asks for a shutdown: sessions whose client is gone end first, and nothing committed is lost.
   */
  private void stop(ProcessHandle process) {
    process.destroy();
    try {
      process.onExit().get(STOP_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw stillRunning(process, e);
    } catch (ExecutionException | TimeoutException e) {
      throw stillRunning(process, e);
    }
  }

  private StartupProblem stillRunning(ProcessHandle process, Exception cause) {
    return new StartupProblem(
        "PostgreSQL process " + process.pid() + " of an earlier run still uses " + data + ".",
        "Close the sessions that are connected to it, or stop that process.",
        cause);
  }
}
