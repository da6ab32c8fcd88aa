package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a killed service or a restarted machine leaves behind. */
class PostmasterTest {

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  Path data;

  @Test
  void aServerThatWasLeftRunningIsStopped() throws IOException {
    startServer();
    ProcessHandle process = ProcessHandle.of(pid()).orElseThrow();
    try {
      assertThat(process.isAlive()).isTrue();

      new Postmaster(data).stopIfLeftOver();

      assertThat(process.isAlive()).isFalse();
      assertThat(pidFile()).doesNotExist();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void aFileThatNamesSomebodyElsesProcessIsRemovedAndTheProcessSpared() throws IOException {
    ProcessHandle other = ProcessHandle.current();
    Files.writeString(pidFile(), other.pid() + "\n" + data + "\n");

    new Postmaster(data).stopIfLeftOver();

    assertThat(other.isAlive()).isTrue();
    assertThat(pidFile()).doesNotExist();
  }

  @Test
  void noFileOrAnUnreadableOneIsLeftToPostgres() throws IOException {
    new Postmaster(data).stopIfLeftOver();

    Files.writeString(pidFile(), "");
    new Postmaster(data).stopIfLeftOver();
    Files.writeString(pidFile(), "gibberish\n");
    new Postmaster(data).stopIfLeftOver();

    assertThat(pidFile()).hasContent("gibberish");
  }

  /** Starts a server that nobody will stop, as a killed service would have. */
  private void startServer() throws IOException {
    EmbeddedPostgres.builder()
        .setDataDirectory(data)
        .setCleanDataDirectory(false)
        .setRegisterShutdownHook(false)
        .setLocaleConfig("locale", "C")
        .start();
  }

  private long pid() throws IOException {
    return Long.parseLong(Files.readAllLines(pidFile()).get(0).trim());
  }

  private Path pidFile() {
    return data.resolve("postmaster.pid");
  }
}
