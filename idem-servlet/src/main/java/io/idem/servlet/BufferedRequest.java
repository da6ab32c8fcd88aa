package io.idem.servlet;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/** A request whose body was read and can still be read. */
class BufferedRequest extends HttpServletRequestWrapper {

  static final String NO_LISTENERS =
      "Non-blocking reads and writes are not supported behind an idempotent endpoint. The request is"
          + " read before the handler begins, and the response is held back, so nothing blocks: read"
          + " and write without a listener";

  private final byte @Nullable [] body;
  private @Nullable ServletInputStream stream;
  private @Nullable BufferedReader reader;

  /** A null body leaves the request's own untouched. */
  BufferedRequest(HttpServletRequest request, byte @Nullable [] body) {
    super(request);
    this.body = body;
  }

  @Override
  public final ServletInputStream getInputStream() throws IOException {
    if (body == null) {
      return super.getInputStream();
    }
    if (reader != null) {
      throw new IllegalStateException("getReader() was called on this request before");
    }
    if (stream == null) {
      stream = new BodyStream(body);
    }
    return stream;
  }

  @Override
  public final BufferedReader getReader() throws IOException {
    if (body == null) {
      return super.getReader();
    }
    if (stream != null) {
      throw new IllegalStateException("getInputStream() was called on this request before");
    }
    if (reader == null) {
      String charset = getCharacterEncoding();
      // Servlet 6.1, section 3.12: ISO-8859-1 where neither the request nor the application says.
      reader =
          new BufferedReader(
              new InputStreamReader(
                  new ByteArrayInputStream(body), charset == null ? "ISO-8859-1" : charset));
    }
    return reader;
  }

  /** The buffered body. It never blocks, so nobody has to be told when it can be read. */
  private static final class BodyStream extends ServletInputStream {

    private final ByteArrayInputStream bytes;

    BodyStream(byte[] body) {
      this.bytes = new ByteArrayInputStream(body);
    }

    @Override
    public int read() {
      return bytes.read();
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      return bytes.read(target, offset, length);
    }

    @Override
    public byte[] readAllBytes() {
      return bytes.readAllBytes();
    }

    @Override
    public byte[] readNBytes(int length) throws IOException {
      return bytes.readNBytes(length);
    }

    @Override
    public int readNBytes(byte[] target, int offset, int length) {
      return bytes.readNBytes(target, offset, length);
    }

    @Override
    public long transferTo(OutputStream target) throws IOException {
      return bytes.transferTo(target);
    }

    @Override
    public long skip(long length) {
      return bytes.skip(length);
    }

    @Override
    public boolean markSupported() {
      return true;
    }

    @Override
    public synchronized void mark(int readLimit) {
      bytes.mark(readLimit);
    }

    @Override
    public synchronized void reset() {
      bytes.reset();
    }

    @Override
    public int available() {
      return bytes.available();
    }

    @Override
    public boolean isFinished() {
      return bytes.available() == 0;
    }

    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setReadListener(ReadListener listener) {
      throw new IllegalStateException(NO_LISTENERS);
    }
  }
}
