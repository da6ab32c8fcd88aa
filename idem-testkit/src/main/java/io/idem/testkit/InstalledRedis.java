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

/** The executable of a server that is later than the embedded one, if this machine has it. */
enum InstalledRedis {
  /** Redis 7.0 or later that does not compare before it sets. */
  RECENT("Redis 7.0 to 8.3", TestRedis.SERVER, "redis-server") {
    @Override
    boolean isWanted(String product, int major, int minor) {
      return product.equals("Redis") && major >= 7 && !REDIS8.isWanted(product, major, minor);
    }
  },

  /** Redis that compares before it sets. */
  REDIS8("Redis 8.4 or later", TestRedis.REDIS8_SERVER, "redis-server") {
    @Override
    boolean isWanted(String product, int major, int minor) {
      return product.equals("Redis") && (major > 8 || (major == 8 && minor >= 4));
    }
  },

  /** Valkey that compares before it sets. */
  VALKEY("Valkey 8.1 or later", TestRedis.VALKEY_SERVER, "valkey-server") {
    @Override
    boolean isWanted(String product, int major, int minor) {
      return product.equals("Valkey") && (major > 8 || (major == 8 && minor >= 1));
    }
  };

  private static final Pattern VERSION = Pattern.compile("^(\\w+) server v=(\\d+)\\.(\\d+)\\.");

  private final String what;
  private final String variable;
  private final String program;

  InstalledRedis(String what, String variable, String program) {
    this.what = what;
    this.variable = variable;
    this.program = program;
  }

  abstract boolean isWanted(String product, int major, int minor);

  /**
   * The executable; without one, the test that asks is aborted, and so reported as skipped.
   *
   * @throws org.opentest4j.TestAbortedException if there is none
   */
  File require() {
    return find()
        .orElseGet(
            () ->
                Assumptions.abort(
                    "Not tested on "
                        + what
                        + ": install "
                        + program
                        + ", or name its executable in "
                        + variable));
  }

  Optional<File> find() {
    String named = System.getenv(variable);
    if (named != null && !named.isEmpty()) {
      File server = new File(named);
      if (!isWanted(server)) {
        throw new IllegalStateException(
            variable + " names no executable of " + what + ", but " + named);
      }
      return Optional.of(server);
    }
    String path = System.getenv("PATH");
    return Stream.of((path == null ? "" : path).split(File.pathSeparator))
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .map(Path::toFile)
        .filter(this::isWanted)
        .findFirst();
  }

  private boolean isWanted(File server) {
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
      return version.find()
          && isWanted(
              version.group(1),
              Integer.parseInt(version.group(2)),
              Integer.parseInt(version.group(3)));
    } catch (IOException e) {
      throw new UncheckedIOException("Asking " + server + " for its version", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while " + server + " was asked its version", e);
    }
  }
}
