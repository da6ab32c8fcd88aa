package io.idem.servlet;

import io.idem.http.HeaderField;
import io.idem.http.HttpAnswer;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.StoredResponse;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Idempotency-Key protocol as a filter.
 *
 * <p>It belongs behind authentication and authorization, and in front of the handlers.
 *
 * <ol>
 *   <li>A run begins with a request, or, where the filter is mapped to forwards, with one from an
 *       unprotected path. Whatever a run dispatches belongs to it, and so does the error page that
 *       follows it.
 *   <li>The body of a protected request is read up to the endpoint's bound, and can be read again.
 *       Forms and bodies of {@code multipart/form-data} are left to the container, which may have
 *       taken them apart before; the handler reads them as parameters and parts. Other kinds of
 *       multipart are read as any body, unless the {@linkplain Builder#takenApart filter is told}
 *       that a handler asks for their parts.
 *   <li>The rest of the chain runs inside the operation, on this thread. Its response is held back,
 *       in memory up to what the endpoint keeps and in a temporary file beyond.
 *   <li>Once the outcome is recorded, and in transactional mode committed, the response is sent. A
 *       client that has hung up by then changes nothing.
 * </ol>
 *
 * <p>A response made by {@code sendError} is rendered inside the run where the {@link
 * Builder#errorPages error pages} are known, by a forward to the page, and kept as it is sent. Else
 * the container renders it after this filter, so its body is not known here: its status, message
 * and replayed headers are kept instead, and a repeat has it rendered again without running. An
 * exception that leaves the chain is thrown on unchanged, after the operation has decided by its
 * rules for failures; these see the cause where the chain wrapped it in a {@link ServletException}.
 *
 * <p>Asynchronous handling behind a leased operation is awaited: the filter's thread waits until
 * the handler completes, or its timeout has passed, and then records and sends the response as a
 * whole. A dispatch takes place on that thread, without the filters in front. Behind a
 * transactional operation, and for non-blocking reads and writes, it is refused with an {@link
 * IllegalStateException}. Thread-safe.
 */
public final class IdempotencyFilter implements Filter {

  private static final Logger log = LoggerFactory.getLogger("io.idem.servlet");

  private static final Set<DispatcherType> START_OF_A_RUN =
      Set.of(DispatcherType.REQUEST, DispatcherType.FORWARD);

  private final HttpIdempotency protocol;
  private final EndpointResolver endpoints;
  private final CallerResolver callers;
  private final EndpointAuthorizer authorizer;
  private final ErrorPages errorPages;
  private final Executor asyncTasks;
  private final Predicate<HttpServletRequest> takenApart;
  private final String onceAttribute;

  /**
   * A filter whose callers are the container's user principals.
   *
   * @param protocol the protocol
   * @param endpoints which requests are protected, and how
   */
  public IdempotencyFilter(HttpIdempotency protocol, EndpointResolver endpoints) {
    this(protocol, endpoints, CallerResolver.userPrincipal());
  }

  /**
   * A filter.
   *
   * @param protocol the protocol
   * @param endpoints which requests are protected, and how
   * @param callers who sends a request
   */
  public IdempotencyFilter(
      HttpIdempotency protocol, EndpointResolver endpoints, CallerResolver callers) {
    this(builder(protocol, endpoints).callers(callers));
  }

  private IdempotencyFilter(Builder builder) {
    this.protocol = builder.protocol;
    this.endpoints = builder.endpoints;
    this.callers = builder.callers;
    this.authorizer = builder.authorizer;
    this.errorPages = builder.errorPages;
    this.asyncTasks = builder.asyncTasks;
    this.takenApart = builder.takenApart;
    this.onceAttribute =
        IdempotencyFilter.class.getName()
            + ".once@"
            + Integer.toHexString(System.identityHashCode(this));
  }

  /**
   * Starts the settings of a filter.
   *
   * @param protocol the protocol
   * @param endpoints which requests are protected, and how
   * @return a builder
   */
  public static Builder builder(HttpIdempotency protocol, EndpointResolver endpoints) {
    return new Builder(protocol, endpoints);
  }

  @Override
  public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    if (!(request instanceof HttpServletRequest httpRequest)
        || !(response instanceof HttpServletResponse httpResponse)
        || !START_OF_A_RUN.contains(request.getDispatcherType())
        || request.getAttribute(onceAttribute) != null) {
      chain.doFilter(request, response);
      return;
    }
    HttpEndpoint endpoint = endpoints.resolve(httpRequest);
    if (endpoint == null) {
      unprotected(httpRequest, httpResponse, chain);
      return;
    }
    request.setAttribute(onceAttribute, true);
    IdempotentExchange.keyUsed(request); // what was forwarded here is protected after all
    try {
      protect(endpoint, httpRequest, httpResponse, chain);
    } finally {
      request.removeAttribute(onceAttribute);
    }
  }

  private void unprotected(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    ServletRequestHead head = new ServletRequestHead(request, callers);
    HttpAnswer answer = protocol.unprotected(head);
    if (answer instanceof HttpAnswer.Refusal refusal) {
      send(response, protocol.render(head, refusal.problem()));
      return;
    }
    if (answer instanceof HttpAnswer.PassThrough passThrough) {
      flag(request, response, passThrough);
    }
    chain.doFilter(request, response);
  }

  private static void flag(
      HttpServletRequest request, HttpServletResponse response, HttpAnswer.PassThrough answer) {
    if (!answer.headers().isEmpty()) {
      putHeaders(response, answer.headers());
      IdempotentExchange.flagged(request, response);
    }
  }

  private void protect(
      HttpEndpoint endpoint,
      HttpServletRequest request,
      HttpServletResponse response,
      FilterChain chain)
      throws IOException, ServletException {
    ServletExchange exchange =
        new ServletExchange(
            request,
            response,
            endpoint,
            callers,
            authorizer,
            errorPages,
            asyncTasks,
            takenApart,
            chain);
    try {
      HttpAnswer answer = execute(endpoint, exchange);
      if (answer instanceof HttpAnswer.PassThrough passThrough) {
        flag(request, response, passThrough);
        IdempotentExchange.passed(request, endpoint);
        chain.doFilter(exchange.unprotected(), response);
      } else if (answer instanceof HttpAnswer.Fresh fresh) {
        putHeaders(response, fresh.headers());
        exchange.deliver();
      } else if (answer instanceof HttpAnswer.Replay replay) {
        send(exchange.untouched(), replay.response());
      } else if (answer instanceof HttpAnswer.ReplayErrorPage page) {
        send(exchange.untouched(), page);
      } else if (answer instanceof HttpAnswer.Refusal refusal) {
        send(exchange.untouched(), protocol.render(endpoint, exchange, refusal.problem()));
      }
    } catch (ServletExchange.RefusedByTheChain e) {
      chain.doFilter(exchange.readAgain(), response);
    } finally {
      end(endpoint, exchange);
    }
  }

  private HttpAnswer execute(HttpEndpoint endpoint, ServletExchange exchange)
      throws IOException, ServletException {
    try {
      return protocol.execute(endpoint, exchange, exchange);
    } catch (ServletExchange.RefusedByTheChain e) {
      throw e;
    } catch (Exception e) {
      exchange.takeBack();
      Exception thrown = exchange.asThrown(e);
      if (thrown instanceof IOException failure) {
        throw failure;
      } else if (thrown instanceof ServletException failure) {
        throw failure;
      } else if (thrown instanceof RuntimeException failure) {
        throw failure;
      }
      throw new ServletException(thrown); // a recorded failure of a checked type
    }
  }

  private static void end(HttpEndpoint endpoint, ServletExchange exchange) {
    try {
      exchange.end();
    } catch (IOException e) {
      log.warn("A temporary file of a response of {} was not deleted", endpoint, e);
    }
  }

  private static void send(HttpServletResponse response, StoredResponse kept) throws IOException {
    response.setStatus(kept.status());
    putHeaders(response, kept.headers());
    if (kept.body().length > 0) {
      response.setContentLength(kept.body().length);
      response.getOutputStream().write(kept.body());
    } else if (kept.status() != HttpServletResponse.SC_NO_CONTENT
        && kept.status() != HttpServletResponse.SC_NOT_MODIFIED) {
      response.setContentLength(0);
    }
  }

  private static void send(HttpServletResponse response, HttpAnswer.ReplayErrorPage page)
      throws IOException {
    putHeaders(response, page.headers());
    String message = page.message();
    if (message == null) {
      response.sendError(page.status());
    } else {
      response.sendError(page.status(), message);
    }
  }

  /** The first line of a name replaces what a filter around may have set; the others join it. */
  private static void putHeaders(HttpServletResponse response, List<HeaderField> headers) {
    for (int i = 0; i < headers.size(); i++) {
      HeaderField header = headers.get(i);
      String name = header.name();
      if (name.equalsIgnoreCase("Content-Type")) {
        response.setContentType(header.value());
      } else if (name.equalsIgnoreCase("Access-Control-Expose-Headers")
          || isNamed(headers.subList(0, i), name)) {
        response.addHeader(name, header.value());
      } else {
        response.setHeader(name, header.value());
      }
    }
  }

  /** There are few of them: to look through is cheaper than to remember. */
  private static boolean isNamed(List<HeaderField> headers, String name) {
    for (HeaderField header : headers) {
      if (header.name().equalsIgnoreCase(name)) {
        return true;
      }
    }
    return false;
  }

  private static void onThreadOfItsOwn(Runnable task) {
    Thread thread = new Thread(task, "idem-async-task");
    thread.setDaemon(true);
    thread.start();
  }

  /** Says nothing of requests. */
  @Override
  public String toString() {
    return "IdempotencyFilter[" + protocol.problemBase() + "]";
  }

  /** Collects the settings of a filter. Not thread-safe. */
  public static final class Builder {

    private final HttpIdempotency protocol;
    private final EndpointResolver endpoints;
    private CallerResolver callers = CallerResolver.userPrincipal();
    private EndpointAuthorizer authorizer = EndpointAuthorizer.none();
    private ErrorPages errorPages = ErrorPages.none();
    private Executor asyncTasks = IdempotencyFilter::onThreadOfItsOwn;
    private Predicate<HttpServletRequest> takenApart = request -> false;

    private Builder(HttpIdempotency protocol, EndpointResolver endpoints) {
      this.protocol = protocol;
      this.endpoints = endpoints;
    }

    /**
     * Who is asked before a key is looked up whether the request may be carried out.
     *
     * @param authorizer {@link EndpointAuthorizer#none()} by default
     * @return this
     */
    public Builder authorizer(EndpointAuthorizer authorizer) {
      this.authorizer = authorizer;
      return this;
    }

    /**
     * Who sends a request.
     *
     * @param callers the container's user principals by default
     * @return this
     */
    public Builder callers(CallerResolver callers) {
      this.callers = callers;
      return this;
    }

    /**
     * Where the application renders the pages of {@code sendError}.
     *
     * @param errorPages {@link ErrorPages#none()} by default
     * @return this
     */
    public Builder errorPages(ErrorPages errorPages) {
      this.errorPages = errorPages;
      return this;
    }

    /**
     * Who runs what a handler gives to {@link jakarta.servlet.AsyncContext#start}. The thread of
     * the request is not among those: it waits.
     *
     * @param asyncTasks a daemon thread for each task by default
     * @return this
     */
    public Builder asyncTasks(Executor asyncTasks) {
      this.asyncTasks = asyncTasks;
      return this;
    }

    /**
     * Which requests of another multipart type than {@code multipart/form-data} the container takes
     * apart, because their handlers ask for parts: Tomcat does so if it is asked, the Servlet
     * specification does not demand it. The handlers of all others read the body by themselves.
     *
     * @param takenApart asked only for such a type, on the thread of the request, before its body
     *     is read; none by default
     * @return this
     */
    public Builder takenApart(Predicate<HttpServletRequest> takenApart) {
      this.takenApart = takenApart;
      return this;
    }

    /**
     * Makes the filter.
     *
     * @return the filter
     */
    public IdempotencyFilter build() {
      return new IdempotencyFilter(this);
    }
  }
}
