package io.idem.servlet;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Bytes in memory up to a bound, and all of them in a temporary file beyond it. */
final class SpillingBuffer extends OutputStream {

  private final int mostInMemory;
  private ByteArrayOutputStream memory = new ByteArrayOutputStream();
  private @Nullable Path file;
  private @Nullable OutputStream fileOut;
  private long size;

  SpillingBuffer(int mostInMemory) {
    this.mostInMemory = mostInMemory;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (fileOut == null && size + length > mostInMemory) {
      fileOut = spill();
    }
    if (fileOut != null) {
      fileOut.write(bytes, offset, length);
    } else {
      memory.write(bytes, offset, length);
    }
    size += length;
  }

  private OutputStream spill() throws IOException {
    file = Files.createTempFile("idem-response-", ".tmp");
    OutputStream out = Files.newOutputStream(file);
    memory.writeTo(out);
    memory = new ByteArrayOutputStream();
    return out;
  }

  long size() {
    return size;
  }

  boolean isSpilled() {
    return file != null;
  }

  /** The content, as long as it is not spilled. */
  byte[] toByteArray() {
    return memory.toByteArray();
  }

  void writeTo(OutputStream out) throws IOException {
    if (file == null) {
      memory.writeTo(out);
      return;
    }
    if (fileOut != null) {
      fileOut.flush();
    }
    Files.copy(file, out);
  }

  /** Forgets the content and deletes the file. The buffer may be filled again. */
  void clear() throws IOException {
    memory.reset();
    size = 0;
    OutputStream out = fileOut;
    Path spilled = file;
    fileOut = null;
    file = null;
    try {
      if (out != null) {
        out.close();
      }
    } finally {
      if (spilled != null) {
        Files.deleteIfExists(spilled);
      }
    }
  }
}
