package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Starting, stopping and refusing to start, as the person at the terminal sees it. */
@ExtendWith(OutputCaptureExtension.class)
class StartupTest {

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  Path dataDir;

  @Test
  void saysWhereItIsReadyAndKeepsTheBooksBetweenRuns(CapturedOutput output) {
    try (ConfigurableApplicationContext run = start("h2")) {
      Service service = new Service(port(run));
      assertThat(output.getOut().lines()).contains("ready http://127.0.0.1:" + port(run));
      assertThat(service.pay("alice", "alice", "bob", 7).status()).isEqualTo(201);
    }
    try (ConfigurableApplicationContext run = start("h2")) {
      assertThat(new Service(port(run)).get("ops", "/api/accounts/bob").text("balance"))
          .isEqualTo("1000007");
    }
  }

  @Test
  void postgresIsDurableAndKeepsTheBooksBetweenRuns() {
    try (ConfigurableApplicationContext run = start("postgres")) {
      JdbcClient jdbc = run.getBean(JdbcClient.class);
      assertThat(jdbc.sql("show fsync").query(String.class).single()).isEqualTo("on");
      assertThat(jdbc.sql("show synchronous_commit").query(String.class).single()).isEqualTo("on");
      assertThat(jdbc.sql("show listen_addresses").query(String.class).single())
          .isEqualTo("127.0.0.1");
      assertThat(new Service(port(run)).pay("alice", "alice", "bob", 7).status()).isEqualTo(201);
    }
    assertThat(dataDir.resolve("postgres/postmaster.pid")).as("server stopped").doesNotExist();
    try (ConfigurableApplicationContext run = start("postgres")) {
      assertThat(new Service(port(run)).get("ops", "/api/accounts/bob").text("balance"))
          .isEqualTo("1000007");
    }
  }

  @Test
  void anUnknownStoreIsRefusedInOneLine(CapturedOutput output) {
    assertThatThrownBy(() -> start("nope")).hasRootCauseInstanceOf(StartupProblem.class);

    assertThat(output.getErr().strip())
        .isEqualTo(
            "payments: There is no store 'nope' (payments.store). Use h2 or postgres, or set"
                + " spring.datasource.url to a database of your own.");
  }

  @Test
  void aPortInUseIsToldInOneLine(CapturedOutput output) throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> start("h2", taken.getLocalPort())).isInstanceOf(Exception.class);

      assertThat(output.getErr().strip().lines())
          .singleElement()
          .asString()
          .startsWith("payments: Web server failed to start. Port " + taken.getLocalPort());
    }
  }

  @Test
  void aDirectoryInUseIsRefused(CapturedOutput output) {
    try (ConfigurableApplicationContext run = start("h2")) {
      assertThatThrownBy(() -> start("h2")).hasRootCauseInstanceOf(StartupProblem.class);

      assertThat(output.getErr()).contains("is in use by another payments service.");
      assertThat(new Service(port(run)).get("/actuator/health").status()).isEqualTo(200);
    }
  }

  @Test
  void aDirectoryThatCannotBeMadeIsRefused(CapturedOutput output) throws IOException {
    dataDir = Files.writeString(dataDir.resolve("file"), "not a directory");

    assertThatThrownBy(() -> start("h2")).isInstanceOf(Exception.class);

    assertThat(output.getErr()).startsWith("payments: The data directory " + dataDir);
  }

  private ConfigurableApplicationContext start(String store) {
    return start(store, 0);
  }

  private ConfigurableApplicationContext start(String store, int port) {
    return SpringApplication.run(
        PaymentsApplication.class,
        "--payments.store=" + store,
        "--payments.data-dir=" + dataDir,
        "--server.port=" + port);
  }

  private static int port(ConfigurableApplicationContext run) {
    return run.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
  }
}
