package io.idem.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The executable of a Redis that is later than the embedded one, if this machine has it. */
final class InstalledRedis {

  private static final int WANTED = 7;
  private static final Pattern VERSION = Pattern.compile(" v=(\\d+)\\.");

  private InstalledRedis() {}

  /**
   * The executable; without one, the test that asks is aborted, and so reported as skipped.
   *
   * @throws org.opentest4j.TestAbortedException if there is none
   */
  static File require() {
    return find()
        .orElseGet(
            () ->
                Assumptions.abort(
                    "Not tested on Redis 7.0 or later: install redis-server, or name its"
                        + " executable in "
                        + TestRedis.SERVER));
  }

  static Optional<File> find() {
    String named = System.getenv(TestRedis.SERVER);
    if (named != null && !named.isEmpty()) {
      File server = new File(named);
      if (!isRecent(server)) {
        throw new IllegalStateException(
            TestRedis.SERVER + " names no executable of Redis 7.0 or later, but " + named);
      }
      return Optional.of(server);
    }
    String path = System.getenv("PATH");
    return Stream.of((path == null ? "" : path).split(File.pathSeparator))
        .map(directory -> Path.of(directory, "redis-server"))
        .filter(Files::isExecutable)
        .map(Path::toFile)
        .filter(InstalledRedis::isRecent)
        .findFirst();
  }

  private static boolean isRecent(File server) {
    try {
      Process asked =
          new ProcessBuilder(server.getPath(), "--version").redirectErrorStream(true).start();
      asked.getOutputStream().close();
      String answer = new String(asked.getInputStream().readNBytes(10_000), StandardCharsets.UTF_8);
      if (!asked.waitFor(10, TimeUnit.SECONDS)) {
        asked.destroyForcibly();
        return false;
      }
      Matcher version = VERSION.matcher(answer);
      return version.find() && Integer.parseInt(version.group(1)) >= WANTED;
    } catch (IOException e) {
      throw new UncheckedIOException("Asking " + server + " for its version", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while " + server + " was asked its version", e);
    }
  }
}
