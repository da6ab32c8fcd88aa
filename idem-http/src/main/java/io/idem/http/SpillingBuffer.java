package io.idem.http;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The body of a response that an adapter holds back: in memory up to a bound, and all of it in a
 * temporary file beyond it, up to another bound. What uses the file blocks. An asynchronous handler
 * may write while another thread {@linkplain #moveOut() ends} it; for the rest it is not
 * thread-safe.
 */
public final class SpillingBuffer extends OutputStream {

  private static final Logger log = LoggerFactory.getLogger("io.idem.http");

  private final int mostInMemory;
  private final long most;
  private ByteArrayOutputStream memory = new ByteArrayOutputStream();
  private @Nullable Path file;
  private @Nullable FileChannel channel;
  private @Nullable OutputStream fileOut;
  private long size;
  private @Nullable IOException failure;
  private final Lock lock = new ReentrantLock();
  private boolean ended;

  /**
   * An empty buffer.
   *
   * @param mostInMemory the most bytes in memory
   * @param most the most bytes at all; to write more fails
   */
  public SpillingBuffer(int mostInMemory, long most) {
    this.mostInMemory = mostInMemory;
    this.most = most;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    lock.lock();
    try {
      take(bytes, offset, length);
    } catch (IOException e) {
      failure = e; // a PrintWriter in front of this keeps it to itself
      throw e;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes the content away from whoever may still write.
   *
   * @return the content in a buffer of its own; this one is empty from then on, and takes nothing
   */
  public SpillingBuffer moveOut() {
    SpillingBuffer out = new SpillingBuffer(mostInMemory, most);
    lock.lock();
    try {
      out.memory = memory;
      out.file = file;
      out.channel = channel;
      out.fileOut = fileOut;
      out.size = size;
      out.failure = failure;
      forget();
      memory = new ByteArrayOutputStream();
      ended = true;
      return out;
    } finally {
      lock.unlock();
    }
  }

  private void forget() {
    size = 0;
    failure = null;
    fileOut = null;
    channel = null;
    file = null;
  }

  /**
   * Fails if something that was written is not there.
   *
   * @throws IOException why it is not
   */
  public void checkWhole() throws IOException {
    if (failure != null) {
      throw failure;
    }
  }

  private void take(byte[] bytes, int offset, int length) throws IOException {
    if (ended) {
      throw new IOException("The response is over, and nothing can be written to it any more");
    }
    if (size + length > most) {
      throw new IOException(
          "The response has more than "
              + most
              + " bytes, which is the most that is held back until the outcome is recorded. Answer"
              + " with less, or raise the bound (maxResponseBytes, idem.http.max-response-size)");
    }
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

  /**
   * Whether so many more bytes would go to a file.
   *
   * @param bytes how many
   * @return true if to write them may block
   */
  public boolean wouldSpill(int bytes) {
    return isSpilled() || size + bytes > mostInMemory;
  }

  private OutputStream spill() throws IOException {
    Path created = Files.createTempFile("idem-response-", ".tmp");
    FileChannel opened = null;
    try {
      opened = FileChannel.open(created, StandardOpenOption.READ, StandardOpenOption.WRITE);
      deleteOpen(created);
      OutputStream out = Channels.newOutputStream(opened);
      memory.writeTo(out);
      memory = new ByteArrayOutputStream();
      file = created;
      channel = opened;
      return out;
    } catch (IOException | RuntimeException e) {
      try {
        close(opened, created);
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  /**
   * Where the system lets it, the open file has no name any more: a crash leaves nothing behind.
   */
  private static void deleteOpen(Path file) {
    try {
      Files.delete(file);
    } catch (IOException e) {
      log.debug("An open temporary file cannot be deleted here; it will be once it is closed", e);
    }
  }

  private static void close(@Nullable FileChannel channel, @Nullable Path file) throws IOException {
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    }
  }

  /**
   * How much was written.
   *
   * @return the number of bytes
   */
  public long size() {
    return size;
  }

  /**
   * Whether the content is in a file.
   *
   * @return true if it exceeds what is kept in memory
   */
  public boolean isSpilled() {
    return channel != null;
  }

  /**
   * The content, as long as it is not spilled.
   *
   * @return a copy
   */
  public byte[] toByteArray() {
    return memory.toByteArray();
  }

  /**
   * Copies the content, from its start.
   *
   * @param out where to
   * @throws IOException if it cannot be read or written
   */
  public void writeTo(OutputStream out) throws IOException {
    FileChannel spilled = channel;
    if (spilled == null) {
      memory.writeTo(out);
      return;
    }
    spilled.position(0);
    Channels.newInputStream(spilled).transferTo(out);
    spilled.position(spilled.size());
  }

  /**
   * Opens the content, from its start. Nothing may be written any more.
   *
   * @return a stream, to be read before the buffer is {@linkplain #clear() cleared}
   * @throws IOException if the file cannot be read
   */
  public InputStream toInputStream() throws IOException {
    FileChannel spilled = channel;
    if (spilled == null) {
      return new ByteArrayInputStream(memory.toByteArray());
    }
    spilled.position(0);
    return Channels.newInputStream(spilled);
  }

  /**
   * Forgets the content and deletes the file. The buffer may be filled again.
   *
   * @throws IOException if the file cannot be closed or deleted
   */
  public void clear() throws IOException {
    lock.lock();
    try {
      FileChannel opened = channel;
      Path spilled = file;
      memory.reset();
      forget();
      close(opened, spilled);
    } finally {
      lock.unlock();
    }
  }
}
