package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The first thing a reader sees works, and is the same everywhere. */
class FirstStepsTest {

  @Test
  void theBodyRunsOnceARetryGetsItsAnswerAndAnotherRequestIsRefused() {
    PrintStream standardOut = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      FirstSteps.main(new String[0]);
    } finally {
      System.setOut(standardOut);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8).lines())
        .containsExactly(
            "Ran[result=receipt-1, recording=STORED]", "Replayed[result=receipt-1]", "KeyReused[]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "README.zh-CN.md"})
  void theReadmesShowExactlyThisCode(String name) throws IOException {
    Path readme = root().resolve(name);
    if (Files.exists(readme)) {
      assertThat(Files.readString(readme)).contains("```java\n" + code() + "```");
    }
  }

  @Test
  void theCodeFitsOnAScreen() throws IOException {
    assertThat(code().lines()).hasSizeLessThanOrEqualTo(15).allMatch(line -> line.length() <= 100);
  }

  /** The example without its package. */
  private static String code() throws IOException {
    String source =
        Files.readString(root().resolve("idem-core/src/test/java/io/idem/core/FirstSteps.java"));
    return source.substring(source.indexOf("final class FirstSteps"));
  }

  private static Path root() {
    Path directory = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(directory.resolve("idem-bom"))) {
      directory = Objects.requireNonNull(directory.getParent(), "the root of the repository");
    }
    return directory;
  }
}
