package io.idem.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;

/** Codes bodies as servers do. */
final class Codings {

  private Codings() {}

  static byte[] gzip(byte[] content) {
    return coded(content, GZIPOutputStream::new);
  }

  static byte[] deflate(byte[] content) {
    return coded(content, DeflaterOutputStream::new);
  }

  /** Without the header, as some servers have it. */
  static byte[] rawDeflate(byte[] content) {
    Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    try {
      return coded(content, out -> new DeflaterOutputStream(out, deflater));
    } finally {
      deflater.end();
    }
  }

  private interface Coder {
    OutputStream of(OutputStream out) throws IOException;
  }

  private static byte[] coded(byte[] content, Coder coder) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = coder.of(bytes)) {
      out.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
