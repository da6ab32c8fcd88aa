package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The packaged service in a process of its own, as an operator runs it, so that it can be killed.
 */
final class ServiceProcess implements AutoCloseable {

  private static final long START_SECONDS = 90;
  private static final String READY = "ready http://127.0.0.1:";

  private final Process process;
  private final int port;
  private final Service client;

  private ServiceProcess(Process process, int port) {
    this.process = process;
    this.port = port;
    this.client = new Service(port);
  }

  /** Starts the service as it is packaged, and waits until it says that it is ready. */
  static ServiceProcess startPackaged(String... arguments) {
    return start(Path.of("target", "payments.jar"), arguments);
  }

  /**
   * Starts the service out of its package, with the jars of it side by side, which is sooner there;
   * and waits until it says that it is ready.
   */
  static ServiceProcess start(String... arguments) {
    return start(Path.of("target", "unpacked", "payments.jar"), arguments);
  }

  private static ServiceProcess start(Path jar, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // Starts faster; what is tested is not speed.
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-XX:+UseSerialGC");
    command.add("-jar");
    command.add(jar.toAbsolutePath().toString());
    command.add("--server.port=0");
    command.addAll(List.of(arguments));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    CompletableFuture<Integer> port = new CompletableFuture<>();
    Thread reader = new Thread(() -> readOutput(process, port), "service-output");
    reader.setDaemon(true);
    reader.start();
    try {
      return new ServiceProcess(process, port.get(START_SECONDS, TimeUnit.SECONDS));
    } catch (ExecutionException | TimeoutException e) {
      process.destroyForcibly();
      throw new AssertionError("The service did not become ready", e);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static void readOutput(Process process, CompletableFuture<Integer> port) {
    StringBuilder output = new StringBuilder();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = lines.readLine()) != null) {
        output.append(line).append('\n');
        if (line.startsWith(READY)) {
          port.complete(Integer.valueOf(line.substring(READY.length())));
        }
      }
    } catch (IOException e) {
      output.append(e);
    }
    port.completeExceptionally(new IllegalStateException("It ended, saying:\n" + output));
  }

  int port() {
    return port;
  }

  Service client() {
    return client;
  }

  /** SIGKILL: nothing in the process gets to run any more. */
  void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /** SIGTERM: an orderly stop. */
  @Override
  public void close() {
    process.destroy();
    awaitEnd();
  }

  private void awaitEnd() {
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("the service has ended").isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
