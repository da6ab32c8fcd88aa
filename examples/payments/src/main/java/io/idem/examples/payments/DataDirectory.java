package io.idem.examples.payments;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The directory of one running service, held by a file lock that the operating system drops with
 * the process, however it ends.
 */
final class DataDirectory implements AutoCloseable {

  private final Path path;
  private final FileChannel lock;

  private DataDirectory(Path path, FileChannel lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Creates the directory where it is missing and takes it for this process.
   *
   * @throws StartupProblem when it cannot be written or another process has it; nothing is held
   *     then
   */
  static DataDirectory open(Path dataDir) {
    Path path = dataDir.toAbsolutePath().normalize();
    try {
      Files.createDirectories(path);
      FileChannel lock = FileChannel.open(path.resolve("service.lock"), CREATE, WRITE);
      if (!acquired(lock)) {
        lock.close();
        throw new StartupProblem(
            "The data directory " + path + " is in use by another payments service.",
            "Stop that one, or choose another directory with --payments.data-dir.");
      }
      return new DataDirectory(path, lock);
    } catch (IOException e) {
      throw new StartupProblem(
          "The data directory " + path + " cannot be used: " + e + ".",
          "Choose a directory that can be written with --payments.data-dir.",
          e);
    }
  }

  private static boolean acquired(FileChannel lock) throws IOException {
    try {
      return lock.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // another context of this very process
    }
  }

  /** The absolute path. */
  Path path() {
    return path;
  }

  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
