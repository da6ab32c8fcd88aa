package io.idem.http.internal;

import io.idem.core.Disposition;
import io.idem.core.ResultCodec;
import io.idem.http.HeaderField;
import io.idem.http.HttpOutcome;
import io.idem.http.StoredResponse;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The stored form of an outcome. Version 1, numbers big-endian:
 *
 * <pre>
 * version  1 byte
 * kind     1 byte: 1 answer, 2 error page, 3 not kept
 * answer      status (2), headers, length of the body (4), body
 * error page  status (2), headers, message
 * not kept    reason (1): 1 too large, 2 by the handler
 * headers  their number (4), then name and value of each
 * string   length in bytes (4), or -1 for none; UTF-8
 * </pre>
 */
public enum HttpOutcomeCodec implements ResultCodec<HttpOutcome> {
  /** The codec. */
  INSTANCE;

  private static final int VERSION = 1;
  private static final int ANSWER = 1;
  private static final int ERROR_PAGE = 2;
  private static final int NOT_KEPT = 3;
  private static final int TOO_LARGE = 1;
  private static final int BY_HANDLER = 2;

  @Override
  public byte[] encode(HttpOutcome outcome) {
    if (outcome instanceof HttpOutcome.Answered answered) {
      StoredResponse response = answered.response();
      byte[][] headers = encoded(response.headers());
      ByteBuffer out = begin(ANSWER, Short.BYTES + sizeOf(headers) + sizeOf(response.body()));
      out.putShort((short) response.status());
      putHeaders(out, headers);
      return put(out, response.body()).array();
    } else if (outcome instanceof HttpOutcome.ErrorPage page) {
      byte[][] headers = encoded(page.headers());
      byte @Nullable [] message = page.message() == null ? null : encoded(page.message());
      ByteBuffer out = begin(ERROR_PAGE, Short.BYTES + sizeOf(headers) + sizeOf(message));
      out.putShort((short) page.status());
      putHeaders(out, headers);
      return put(out, message).array();
    }
    int reason =
        switch (((HttpOutcome.NotKept) outcome).reason()) {
          case TOO_LARGE -> TOO_LARGE;
          case BY_HANDLER -> BY_HANDLER;
        };
    return begin(NOT_KEPT, Byte.BYTES).put((byte) reason).array();
  }

  /** Room for all of it: nothing is copied from a smaller array into a larger one. */
  private static ByteBuffer begin(int kind, int size) {
    return ByteBuffer.allocate(2 * Byte.BYTES + size).put((byte) VERSION).put((byte) kind);
  }

  @Override
  public HttpOutcome decode(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      int version = in.get();
      if (version != VERSION) {
        throw new IllegalArgumentException(
            "Stored HTTP outcome of format "
                + version
                + ", this version reads format "
                + VERSION
                + ": written by a later version? Upgrade every node before the format changes");
      }
      HttpOutcome outcome = read(in, in.get());
      if (in.hasRemaining()) {
        throw damaged();
      }
      return outcome;
    } catch (BufferUnderflowException e) {
      throw damaged();
    }
  }

  private static HttpOutcome read(ByteBuffer in, int kind) {
    return switch (kind) {
      case ANSWER ->
          new HttpOutcome.Answered(
              new StoredResponse(in.getShort(), readHeaders(in), readBytes(in, in.getInt())),
              Disposition.RECORD);
      case ERROR_PAGE -> {
        int status = in.getShort();
        List<HeaderField> headers = readHeaders(in);
        yield new HttpOutcome.ErrorPage(
            status, readOptionalString(in), headers, Disposition.RECORD);
      }
      case NOT_KEPT -> new HttpOutcome.NotKept(reason(in.get()), Disposition.RECORD);
      default -> throw damaged();
    };
  }

  private static HttpOutcome.Reason reason(int code) {
    return switch (code) {
      case TOO_LARGE -> HttpOutcome.Reason.TOO_LARGE;
      case BY_HANDLER -> HttpOutcome.Reason.BY_HANDLER;
      default -> throw damaged();
    };
  }

  /** The name and the value of each, in turns. */
  private static byte[][] encoded(List<HeaderField> headers) {
    byte[][] encoded = new byte[2 * headers.size()][];
    int at = 0;
    for (HeaderField header : headers) {
      encoded[at++] = encoded(header.name());
      encoded[at++] = encoded(header.value());
    }
    return encoded;
  }

  private static byte[] encoded(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static int sizeOf(byte[][] headers) {
    int size = Integer.BYTES;
    for (byte[] text : headers) {
      size += sizeOf(text);
    }
    return size;
  }

  private static int sizeOf(byte @Nullable [] bytes) {
    return Integer.BYTES + (bytes == null ? 0 : bytes.length);
  }

  private static void putHeaders(ByteBuffer out, byte[][] headers) {
    out.putInt(headers.length / 2);
    for (byte[] text : headers) {
      put(out, text);
    }
  }

  private static ByteBuffer put(ByteBuffer out, byte @Nullable [] bytes) {
    return bytes == null ? out.putInt(-1) : out.putInt(bytes.length).put(bytes);
  }

  private static List<HeaderField> readHeaders(ByteBuffer in) {
    int count = in.getInt();
    if (count < 0 || count > in.remaining() / (2 * Integer.BYTES)) {
      throw damaged();
    }
    List<HeaderField> headers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      headers.add(new HeaderField(readString(in), readString(in)));
    }
    return headers;
  }

  private static String readString(ByteBuffer in) {
    return new String(readBytes(in, in.getInt()), StandardCharsets.UTF_8);
  }

  private static @Nullable String readOptionalString(ByteBuffer in) {
    int length = in.getInt();
    return length == -1 ? null : new String(readBytes(in, length), StandardCharsets.UTF_8);
  }

  private static byte[] readBytes(ByteBuffer in, int length) {
    if (length < 0 || length > in.remaining()) {
      throw damaged();
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  private static IllegalArgumentException damaged() {
    return new IllegalArgumentException("A stored HTTP outcome is damaged: its parts do not fit");
  }
}
