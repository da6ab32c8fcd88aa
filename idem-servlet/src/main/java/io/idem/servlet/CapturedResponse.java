package io.idem.servlet;

import io.idem.http.HandlerResponse;
import io.idem.http.HeaderField;
import io.idem.http.SpillingBuffer;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A response of which nothing reaches the client until it is {@linkplain #deliver() delivered}.
 *
 * <p>Status and headers go to the response around it at once, where the container gives them their
 * usual meaning and filters around can see them, but that one is never written to, flushed or
 * committed. The body is held back. What the handler does is answered as if the container had done
 * it: after {@code flushBuffer}, {@code sendError} and {@code sendRedirect} the response counts as
 * committed.
 */
final class CapturedResponse extends HttpServletResponseWrapper {

  /** By what a response is sent, or ended. */
  private static final Set<String> SENDS =
      Set.of("getOutputStream", "getWriter", "flushBuffer", "sendError", "sendRedirect");

  private final HttpServletResponse around;
  private final SpillingBuffer buffer;
  private final BodyStream stream = new BodyStream();
  private final int statusBefore;
  private final List<HeaderField> headersBefore;
  private boolean streamUsed;
  private @Nullable PrintWriter writer;
  private volatile boolean committed; // late threads of an asynchronous handler ask for these
  private volatile boolean closed;
  private volatile boolean parted;
  private int errorStatus;
  private @Nullable String errorMessage;

  /** What is shown of the response around this one, made when it is asked for. */
  private @Nullable HttpServletResponse shown;

  CapturedResponse(HttpServletResponse response, int mostInMemory, long most) {
    super(response);
    this.around = response;
    this.buffer = new SpillingBuffer(mostInMemory, most);
    this.statusBefore = response.getStatus();
    this.headersBefore = headersOf(response);
  }

  private CapturedResponse(CapturedResponse settled) {
    super(settled.around);
    this.around = settled.around;
    this.buffer = settled.buffer.moveOut();
    this.statusBefore = settled.statusBefore;
    this.headersBefore = settled.headersBefore;
    this.committed = settled.committed;
    this.closed = settled.closed;
    this.errorStatus = settled.errorStatus;
    this.errorMessage = settled.errorMessage;
  }

  /**
   * The response around this one, but as nothing a container knows. Tomcat unwraps a response after
   * a forward, down to its own, and closes that one: whatever is sent later would be lost. Code
   * that unwraps the response to write past this one does not get anywhere either.
   */
  @Override
  public ServletResponse getResponse() {
    ServletResponse wrapped = super.getResponse();
    if (wrapped != around) {
      return wrapped; // what a dispatch has put between the two for its time
    }
    HttpServletResponse known = shown;
    if (known == null) {
      known = notUnwrappable(around);
      shown = known;
    }
    return known;
  }

  @Override
  public void setResponse(ServletResponse response) {
    super.setResponse(response == shown ? around : response);
  }

  private static HttpServletResponse notUnwrappable(HttpServletResponse response) {
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          if (SENDS.contains(method.getName())) {
            throw new IllegalStateException(
                "The response of an idempotent endpoint is held back until it is recorded: the one"
                    + " around it cannot be written to");
          }
          try {
            return method.invoke(response, arguments);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        };
    return (HttpServletResponse)
        Proxy.newProxyInstance(
            HttpServletResponse.class.getClassLoader(),
            new Class<?>[] {HttpServletResponse.class},
            handler);
  }

  /** What the handler responded. Fails if a part of it could not be held back. */
  HandlerResponse captured(HandlerResponse.Directive directive) throws IOException {
    flushWriter();
    buffer.checkWhole();
    HandlerResponse.Content content;
    if (errorStatus != 0) {
      content = new HandlerResponse.ErrorPage(errorMessage);
    } else if (buffer.isSpilled()) {
      content = new HandlerResponse.TooLarge();
    } else {
      content = new HandlerResponse.Body(buffer.toByteArray());
    }
    return new HandlerResponse(getStatus(), headersOf(around), content, directive);
  }

  // ---- asynchronous handling

  /** Whether the handler has written anything, or counts the response as sent. */
  boolean isBegun() {
    flushWriter();
    return isCommitted() || buffer.size() > 0;
  }

  /**
   * Takes the response away from whoever else may still hold this object: what is written to this
   * one from now on goes nowhere. What the two have in common is the response around them, which
   * the caller has to guard.
   *
   * @return the response as it is
   */
  CapturedResponse settle() {
    flushWriter();
    CapturedResponse settled = new CapturedResponse(this);
    parted = true;
    return settled;
  }

  /** A response without anything that the handler did to this one. */
  void replaceByError(int status) {
    undo();
    giveErrorPageUp(status, null);
  }

  // ---- the page of an error

  /** Whether the response ended with {@code sendError}, and has no body yet. */
  boolean isError() {
    return errorStatus != 0;
  }

  @Nullable String errorMessage() {
    return errorMessage;
  }

  /** Opens the response again, for the body that belongs to its status. */
  void beginErrorPage() {
    super.setStatus(errorStatus);
    errorStatus = 0;
    errorMessage = null;
    reopen();
  }

  private void reopen() {
    closed = false;
    committed = false;
    streamUsed = false;
    writer = null;
  }

  /** Ends the response as it ended before its page was begun. */
  void giveErrorPageUp(int status, @Nullable String message) {
    flushWriter();
    errorStatus = 0;
    reopen();
    sendError(status, message);
  }

  /** Sends what the handler responded. */
  void deliver() throws IOException {
    flushWriter();
    super.setResponse(around); // what was left in between sends to what holds back
    if (errorStatus != 0) {
      if (errorMessage == null) {
        super.sendError(errorStatus);
      } else {
        super.sendError(errorStatus, errorMessage);
      }
      return;
    }
    if (buffer.size() > 0 || mayHaveBody(getStatus())) {
      super.setContentLengthLong(buffer.size());
    }
    if (buffer.size() > 0) {
      buffer.writeTo(super.getOutputStream());
    }
  }

  private static boolean mayHaveBody(int status) {
    return status != SC_NO_CONTENT && status != SC_NOT_MODIFIED;
  }

  /** Takes everything back that the handler did to the response around this one. */
  void undo() {
    super.reset();
    super.setStatus(statusBefore);
    for (HeaderField header : headersBefore) {
      if (header.name().equalsIgnoreCase("Content-Type")) {
        super.setContentType(header.value());
      } else {
        super.addHeader(header.name(), header.value());
      }
    }
  }

  /** Forgets the body. */
  void discard() throws IOException {
    buffer.clear();
  }

  private static List<HeaderField> headersOf(HttpServletResponse response) {
    Collection<String> names = response.getHeaderNames();
    if (names.isEmpty()) {
      String contentType = response.getContentType();
      return contentType == null
          ? List.of()
          : List.of(new HeaderField("Content-Type", contentType));
    }
    List<HeaderField> headers = new ArrayList<>();
    boolean typed = false;
    if (names.size() > 1) {
      // They may name a header once for each line.
      Set<String> distinct = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
      distinct.addAll(names);
      names = distinct;
    }
    for (String name : names) {
      for (String value : response.getHeaders(name)) {
        headers.add(new HeaderField(name, value));
      }
      typed |= name.equalsIgnoreCase("Content-Type");
    }
    String contentType = response.getContentType();
    if (!typed && contentType != null) {
      // Containers differ in whether they list it before the response is committed.
      headers.add(new HeaderField("Content-Type", contentType));
    }
    return headers;
  }

  // ---- the body

  @Override
  public ServletOutputStream getOutputStream() {
    if (writer != null) {
      throw new IllegalStateException("getWriter() was called on this response before");
    }
    streamUsed = true;
    return stream;
  }

  @Override
  public PrintWriter getWriter() throws IOException {
    if (streamUsed) {
      throw new IllegalStateException("getOutputStream() was called on this response before");
    }
    if (writer == null) {
      // Servlet 6.1, section 5.4: the encoding is fixed now, and part of the content type.
      String charset = getCharacterEncoding();
      super.setCharacterEncoding(charset);
      writer = new PrintWriter(new OutputStreamWriter(stream, charset));
    }
    return writer;
  }

  private void flushWriter() {
    if (writer != null) {
      boolean before = committed;
      writer.flush();
      committed = before; // only the handler's own flush counts as one
    }
  }

  @Override
  public void flushBuffer() {
    flushWriter();
    committed = true;
  }

  @Override
  public void resetBuffer() {
    refuseIfCommitted("resetBuffer()");
    clearBuffer();
  }

  @Override
  public void reset() {
    refuseIfCommitted("reset()");
    clearBuffer();
    streamUsed = false;
    writer = null;
    super.reset();
  }

  private void refuseIfParted() {
    if (parted) {
      throw new IllegalStateException("The asynchronous handling of this response is over");
    }
  }

  private void clearBuffer() {
    refuseIfParted();
    flushWriter();
    try {
      buffer.clear();
    } catch (IOException e) {
      throw new IllegalStateException("The captured body could not be discarded", e);
    }
  }

  @Override
  public boolean isCommitted() {
    return committed || closed;
  }

  private void refuseIfCommitted(String call) {
    if (isCommitted()) {
      throw new IllegalStateException(call + " after the response was committed");
    }
  }

  @Override
  public void setContentLength(int length) {
    // What is sent has the length it has.
  }

  @Override
  public void setContentLengthLong(long length) {
    // As above.
  }

  @Override
  public void setBufferSize(int size) {
    // Everything is held back, whatever the size.
  }

  // ---- status and ends

  @Override
  public void setStatus(int status) {
    if (!isCommitted()) {
      super.setStatus(status);
    }
  }

  @Override
  public int getStatus() {
    return errorStatus != 0 ? errorStatus : super.getStatus();
  }

  @Override
  public void sendError(int status) {
    sendError(status, null);
  }

  @Override
  public void sendError(int status, @Nullable String message) {
    refuseIfParted();
    refuseIfCommitted("sendError()");
    clearBuffer();
    errorStatus = status;
    errorMessage = message;
    closed = true;
  }

  @Override
  public void sendRedirect(String location) {
    sendRedirect(location, SC_FOUND, true);
  }

  @Override
  public void sendRedirect(String location, boolean clearBuffer) {
    sendRedirect(location, SC_FOUND, clearBuffer);
  }

  @Override
  public void sendRedirect(String location, int status) {
    sendRedirect(location, status, true);
  }

  @Override
  public void sendRedirect(String location, int status, boolean clearBuffer) {
    refuseIfCommitted("sendRedirect()");
    if (clearBuffer) {
      clearBuffer();
    }
    super.setStatus(status);
    super.setHeader("Location", location);
    flushWriter();
    closed = true;
  }

  // ---- headers: nothing changes once committed, and the length is not the handler's to say

  private boolean isIgnored(String name) {
    return isCommitted() || name.equalsIgnoreCase("Content-Length");
  }

  @Override
  public void setHeader(String name, @Nullable String value) {
    if (!isIgnored(name)) {
      if (name.equalsIgnoreCase("Content-Type")) {
        setContentType(value);
      } else {
        super.setHeader(name, value);
      }
    }
  }

  @Override
  public void addHeader(String name, @Nullable String value) {
    if (!isIgnored(name)) {
      if (name.equalsIgnoreCase("Content-Type")) {
        setContentType(value);
      } else {
        super.addHeader(name, value);
      }
    }
  }

  @Override
  public void setIntHeader(String name, int value) {
    if (!isIgnored(name)) {
      super.setIntHeader(name, value);
    }
  }

  @Override
  public void addIntHeader(String name, int value) {
    if (!isIgnored(name)) {
      super.addIntHeader(name, value);
    }
  }

  @Override
  public void setDateHeader(String name, long date) {
    if (!isIgnored(name)) {
      super.setDateHeader(name, date);
    }
  }

  @Override
  public void addDateHeader(String name, long date) {
    if (!isIgnored(name)) {
      super.addDateHeader(name, date);
    }
  }

  @Override
  public void addCookie(Cookie cookie) {
    if (!isCommitted()) {
      super.addCookie(cookie);
    }
  }

  @Override
  public void setContentType(@Nullable String type) {
    if (isCommitted()) {
      return;
    }
    String charset = writer == null ? null : getCharacterEncoding();
    super.setContentType(type);
    if (charset != null) {
      super.setCharacterEncoding(charset); // a writer's encoding no longer changes
    }
  }

  @Override
  public void setCharacterEncoding(@Nullable String charset) {
    if (!isCommitted() && writer == null) {
      super.setCharacterEncoding(charset);
    }
  }

  @Override
  public void setCharacterEncoding(@Nullable Charset charset) {
    if (!isCommitted() && writer == null) {
      super.setCharacterEncoding(charset);
    }
  }

  @Override
  public void setLocale(Locale locale) {
    if (isCommitted()) {
      return;
    }
    String charset = writer == null ? null : getCharacterEncoding();
    super.setLocale(locale);
    if (charset != null) {
      super.setCharacterEncoding(charset);
    }
  }

  @Override
  public void setTrailerFields(Supplier<Map<String, String>> supplier) {
    // Trailers belong to one message: they are neither sent nor kept.
  }

  /** The body on its way into the buffer. After the end of the response it is ignored. */
  private final class BodyStream extends ServletOutputStream {

    @Override
    public void write(int b) throws IOException {
      if (!closed) {
        buffer.write(b);
      }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (!closed) {
        buffer.write(bytes, offset, length);
      }
    }

    @Override
    public void flush() {
      committed = true;
    }

    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setWriteListener(WriteListener listener) {
      throw new IllegalStateException(BufferedRequest.NO_LISTENERS);
    }
  }
}
