package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SpillingBufferTest {

  @Test
  void whatFitsStaysInMemory() throws IOException {
    SpillingBuffer buffer = new SpillingBuffer(4, 100);
    buffer.write(new byte[] {1, 2, 3, 4});

    assertThat(buffer.isSpilled()).isFalse();
    assertThat(contentOf(buffer)).containsExactly(1, 2, 3, 4);
  }

  @Test
  void whatDoesNotFitIsKeptWholeOutsideOfMemory() throws IOException {
    SpillingBuffer buffer = new SpillingBuffer(4, 100);
    buffer.write(new byte[] {1, 2, 3, 4});
    buffer.write(5);

    assertThat(buffer.isSpilled()).isTrue();
    assertThat(buffer.size()).isEqualTo(5);
    assertThat(contentOf(buffer)).containsExactly(1, 2, 3, 4, 5);

    buffer.write(6);
    assertThat(contentOf(buffer)).containsExactly(1, 2, 3, 4, 5, 6);
    buffer.clear();
  }

  @Test
  void aClearedBufferLeavesNoFileAndStartsAnew() throws IOException {
    List<Path> before = spilledFiles();
    SpillingBuffer buffer = new SpillingBuffer(1, 100);
    buffer.write(new byte[] {1, 2, 3});

    buffer.clear();

    assertThat(spilledFiles()).isSubsetOf(before);
    assertThat(buffer.isSpilled()).isFalse();
    assertThat(buffer.size()).isZero();
    buffer.write(9);
    assertThat(contentOf(buffer)).containsExactly(9);
  }

  @Test
  void moreThanTheBoundIsRefusedAndRemembered() throws IOException {
    SpillingBuffer buffer = new SpillingBuffer(1, 3);
    buffer.write(new byte[] {1, 2, 3});
    buffer.checkWhole();

    assertThatIOException().isThrownBy(() -> buffer.write(4)).withMessageContaining("3 bytes");
    assertThatIOException().isThrownBy(buffer::checkWhole);

    buffer.clear();
    buffer.checkWhole();
    buffer.write(5);
    assertThat(contentOf(buffer)).containsExactly(5);
    buffer.clear();
  }

  private static byte[] contentOf(SpillingBuffer buffer) throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    buffer.writeTo(content);
    return content.toByteArray();
  }

  private static List<Path> spilledFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("idem-response-"))
          .toList();
    }
  }
}
