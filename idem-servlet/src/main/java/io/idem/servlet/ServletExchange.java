package io.idem.servlet;

import io.idem.core.Attempt;
import io.idem.core.Disposition;
import io.idem.core.Mode;
import io.idem.http.HandlerResponse;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpExchange;
import io.idem.http.HttpHandler;
import io.idem.http.RequestBody;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.Part;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** One request on its way through the filter, and its response. */
final class ServletExchange extends ServletRequestHead
    implements HttpExchange, HttpHandler<Exception> {

  private final HttpServletResponse response;
  private final HttpEndpoint endpoint;
  private final EndpointAuthorizer authorizer;
  private final ErrorPages errorPages;
  private final Executor asyncTasks;
  private final Predicate<HttpServletRequest> takenApart;
  private final FilterChain chain;
  private byte @Nullable [] body;
  private @Nullable CapturedResponse captured;
  private @Nullable AsyncRun run;
  private boolean returned;
  private @Nullable ServletException wrapping;

  ServletExchange(
      HttpServletRequest request,
      HttpServletResponse response,
      HttpEndpoint endpoint,
      CallerResolver callers,
      EndpointAuthorizer authorizer,
      ErrorPages errorPages,
      Executor asyncTasks,
      Predicate<HttpServletRequest> takenApart,
      FilterChain chain) {
    super(request, callers);
    this.response = response;
    this.endpoint = endpoint;
    this.authorizer = authorizer;
    this.errorPages = errorPages;
    this.asyncTasks = asyncTasks;
    this.takenApart = takenApart;
    this.chain = chain;
  }

  // ---- the request

  /** The request for a handler that runs unprotected, its body still there to be read. */
  HttpServletRequest unprotected() {
    return body == null ? request : new BufferedRequest(request, body);
  }

  @Override
  public RequestBody body(int maxBytes) throws IOException {
    String type = mediaType();
    if (type.equals("multipart/form-data")
        || (type.startsWith("multipart/") && takenApart.test(request))) {
      try {
        List<RequestBody.Part> parts = parts();
        if (parts != null) {
          return new RequestBody.Multipart(parts, parameters());
        }
      } catch (IOException e) {
        if (!hasBoundary() || cameToItsEnd(maxBytes, e)) {
          return new RequestBody.Malformed();
        }
        throw e;
      }
    }
    if (request.getContentLengthLong() > maxBytes) {
      return new RequestBody.TooLarge();
    }
    Map<String, List<String>> fields = null;
    if (type.equals("application/x-www-form-urlencoded")) {
      // The container reads a form once and for all, and a filter before this one may have made it.
      fields = parameters();
    }
    byte[] content =
        BoundedBody.read(request.getInputStream(), maxBytes, request.getContentLength());
    if (content == null) {
      return new RequestBody.TooLarge();
    }
    body = content;
    // Containers read the forms of some methods only; what they left is the body.
    return fields == null || content.length > 0
        ? new RequestBody.Bytes(content)
        : new RequestBody.Form(fields);
  }

  @Override
  public void authorize() throws IOException {
    boolean mayGoOn;
    try {
      mayGoOn = authorizer.authorize(readAgain(), endpoint);
    } catch (ServletException e) {
      throw new RefusedByException(e);
    }
    if (!mayGoOn) {
      throw new RefusedByTheChain();
    }
  }

  /** The request with its body still to be read. */
  HttpServletRequest readAgain() {
    return new BufferedRequest(request, body);
  }

  /** The fields of the body alone. */
  private Map<String, List<String>> parameters() {
    Map<String, List<String>> fields = new LinkedHashMap<>();
    for (Map.Entry<String, String[]> field : request.getParameterMap().entrySet()) {
      fields.put(field.getKey(), Arrays.asList(field.getValue()));
    }
    // Those of a forward come before those of the request that was forwarded, and both are there.
    Map<String, List<String>> ofRequest =
        RequestBody.withoutQuery(fields, request.getQueryString());
    String first = originalQuery();
    return first == null || first.equals(request.getQueryString())
        ? ofRequest
        : RequestBody.withoutQuery(ofRequest, first);
  }

  private String mediaType() {
    String contentType = request.getContentType();
    if (contentType == null) {
      return "";
    }
    int parameters = contentType.indexOf(';');
    String type = parameters < 0 ? contentType : contentType.substring(0, parameters);
    return type.trim().toLowerCase(Locale.ROOT);
  }

  /** The parts as the container sees them, or null if it does not take this request apart. */
  private @Nullable List<RequestBody.Part> parts() throws IOException {
    List<RequestBody.Part> parts = new ArrayList<>();
    try {
      for (Part part : request.getParts()) {
        try (InputStream content = part.getInputStream()) {
          parts.add(
              RequestBody.Part.of(
                  part.getName(), part.getSubmittedFileName(), part.getContentType(), content));
        }
      }
      return parts;
    } catch (ServletException e) {
      throw new IOException("The multipart body of the request cannot be read", e);
    } catch (IllegalStateException e) {
      if (e.getCause() == null) {
        return null; // the servlet has no multipart configuration, and reads the body by itself
      }
      throw e;
    }
  }

  /**
   * Whether a body can be parts at all. Containers close one that cannot, so that it has no end.
   */
  private boolean hasBoundary() {
    return request.getContentType().toLowerCase(Locale.ROOT).contains("boundary=");
  }

  /**
   * Tells a body that cannot be taken apart from one that broke off: the rest of the former is
   * there.
   */
  private boolean cameToItsEnd(int maxBytes, IOException failure) {
    try {
      return BoundedBody.read(request.getInputStream(), maxBytes, -1) != null;
    } catch (IOException e) {
      failure.addSuppressed(e);
      return false;
    }
  }

  // ---- the handler

  @Override
  public HandlerResponse handle(Attempt attempt) throws Exception {
    CapturedResponse capture =
        new CapturedResponse(response, endpoint.maxStoredBytes(), endpoint.maxResponseBytes());
    captured = capture;
    AsyncRun handling = new AsyncRun(request, capture, chain, asyncTasks, asyncRefusal());
    run = handling;
    RunRequest handled = new RunRequest(request, body, capture, handling);
    IdempotentExchange.Run exchange = IdempotentExchange.begin(request, attempt, endpoint);
    HandlerResponse.Directive directive;
    try {
      try {
        handling.handle(handled);
      } finally {
        capture = handling.settled();
        captured = capture;
      }
      directive = exchange.directive(); // an error page is no handler: what it says does not count
      if (capture.isError()) {
        new ErrorRendering(handled, capture).from(errorPages);
      }
    } catch (ServletException e) {
      if (e.getRootCause() instanceof Exception cause) {
        // The operation's rules are about what went wrong, not about what frameworks wrap it in.
        wrapping = e;
        throw cause;
      }
      throw e;
    } finally {
      IdempotentExchange.end(request, exchange);
    }
    returned = true;
    return capture.captured(unlessUncertain(directive, handling, capture.getStatus()));
  }

  private @Nullable String asyncRefusal() {
    return endpoint.operation().mode() == Mode.LEASED
        ? null
        : "Asynchronous handling is not supported behind the transactional operation '"
            + endpoint.operation().name()
            + "': its transaction belongs to the thread that began it, and what another thread does"
            + " would not be a part of it. Answer synchronously, or make the operation leased"
            + " (Mode.LEASED, @Idempotent(mode = LEASED))";
  }

  /**
   * After a timeout what the handler has started may still have its effect. A status that would
   * free the key says nothing about that; a repeat could run beside it.
   */
  private HandlerResponse.Directive unlessUncertain(
      HandlerResponse.Directive said, AsyncRun run, int status) {
    boolean open =
        said == HandlerResponse.Directive.BY_STATUS
            || said == HandlerResponse.Directive.DO_NOT_KEEP;
    boolean frees = endpoint.responsePolicy().dispositionOf(status) == Disposition.RELEASE;
    return open && (run.isInterrupted() || (run.isUncertain() && frees))
        ? HandlerResponse.Directive.OUTCOME_UNKNOWN
        : said;
  }

  /**
   * Takes back what the handler said of a success that was undone afterwards, for example because
   * its transaction could not be committed.
   */
  void takeBack() {
    if (returned) {
      untouched();
    }
  }

  /** What the chain threw, as it threw it. */
  Exception asThrown(Exception failure) {
    if (failure instanceof RefusedByException refused) {
      return refused.cause;
    }
    return wrapping != null && wrapping.getRootCause() == failure ? wrapping : failure;
  }

  // ---- the response

  /** Sends what the handler responded. */
  void deliver() throws IOException {
    if (captured != null) {
      captured.deliver();
    }
  }

  /** The response as it was before the handler ran. */
  HttpServletResponse untouched() {
    if (captured != null) {
      captured.undo();
    }
    return response;
  }

  /** Deletes what the capture has left on disk, and lets nobody at the request any more. */
  void end() throws IOException {
    if (run != null) {
      run.close();
    }
    if (captured != null) {
      captured.discard();
    }
  }

  /** The authorizer's refusal, on its way through the protocol, which knows no servlets. */
  private static final class RefusedByException extends IOException {

    private static final long serialVersionUID = 1L;

    private final ServletException cause;

    RefusedByException(ServletException cause) {
      super(cause);
      this.cause = cause;
    }
  }

  /** The request is left to the rest of the chain, which refuses it. */
  static final class RefusedByTheChain extends IOException {

    private static final long serialVersionUID = 1L;

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this; // it goes from one method of this package to another
    }
  }
}
