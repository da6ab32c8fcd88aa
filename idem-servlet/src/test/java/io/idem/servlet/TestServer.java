package io.idem.servlet;

import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.core.store.IdempotencyStore;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.HttpOutcome;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.MultipartConfigElement;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Principal;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.ErrorPage;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.jspecify.annotations.Nullable;

/** A Tomcat with the filter in it, whose endpoints are lambdas, and a client of it. */
final class TestServer {

  /** What an endpoint does. */
  interface Handler {
    void handle(HttpServletRequest request, HttpServletResponse response) throws Exception;
  }

  final AtomicInteger runs = new AtomicInteger();
  final Idempotency engine;
  final List<Throwable> thrown = new CopyOnWriteArrayList<>();

  /** What the protocol holds the times of requests against. */
  volatile InstantSource clock = InstantSource.system();

  private final Map<String, HttpEndpoint> endpoints = new ConcurrentHashMap<>();
  private final Map<String, Handler> handlers = new ConcurrentHashMap<>();
  private final Tomcat tomcat = new Tomcat();
  private final HttpClient client = HttpClient.newHttpClient();
  private final Path home;

  /** The page that the filter knows; the container has one of its own. */
  volatile @Nullable String errorPage;

  /** What the filter is told of pages. */
  volatile ErrorPages errorPages = status -> errorPage;

  volatile EndpointAuthorizer authorizer = EndpointAuthorizer.none();

  private volatile Handler before = (request, response) -> {};
  private volatile Handler after = (request, response) -> {};

  TestServer(IdempotencyStore store) throws Exception {
    this(store, "", settings -> settings);
  }

  TestServer(
      IdempotencyStore store, String contextPath, UnaryOperator<HttpIdempotency.Builder> settings)
      throws Exception {
    HttpIdempotency protocol =
        settings.apply(HttpIdempotency.builder().clock(() -> clock.instant())).build();
    engine = Idempotency.builder().store(store).build();
    home = Files.createTempDirectory("idem-tomcat");
    tomcat.setBaseDir(home.toString());
    tomcat.setPort(0);
    tomcat.getConnector().setProperty("maxThreads", "150");
    Context context = tomcat.addContext(contextPath, home.toString());
    addServlet(context, "handlers", new HandlerServlet(), "/*")
        .setMultipartConfigElement(new MultipartConfigElement("", 100_000, 200_000, 1_000));
    addServlet(context, "plain", new HandlerServlet(), "/plain/*");
    addServlet(
        context, "problems", new ProblemDocumentationServlet(), protocol.problemBase() + "/*");
    addServlet(context, "errors", new ErrorServlet(), "/error");
    ErrorPage page = new ErrorPage();
    page.setLocation("/error");
    context.addErrorPage(page);
    addFilter(context, "outer", new OuterFilter());
    addFilter(
        context,
        "idempotency",
        IdempotencyFilter.builder(protocol, request -> endpoints.get(request.getRequestURI()))
            .errorPages(status -> errorPages.pathOf(status))
            .authorizer((request, endpoint) -> authorizer.authorize(request, endpoint))
            .build());
    tomcat.start();
  }

  private static Wrapper addServlet(
      Context context, String name, HttpServlet servlet, String pattern) {
    Wrapper wrapper = Tomcat.addServlet(context, name, servlet);
    wrapper.setAsyncSupported(true);
    wrapper.addMapping(pattern);
    return wrapper;
  }

  private static void addFilter(Context context, String name, Filter filter) {
    FilterDef definition = new FilterDef();
    definition.setFilterName(name);
    definition.setFilter(filter);
    definition.setAsyncSupported("true");
    context.addFilterDef(definition);
    FilterMap map = new FilterMap();
    map.setFilterName(name);
    map.addURLPattern("/*");
    for (String dispatcher : new String[] {"REQUEST", "ERROR", "FORWARD", "INCLUDE", "ASYNC"}) {
      map.setDispatcher(dispatcher);
    }
    context.addFilterMap(map);
  }

  /** Runs before the filter of the protocol. */
  void before(Handler handler) {
    before = handler;
  }

  /** Runs after the filter of the protocol, where nothing was thrown. */
  void after(Handler handler) {
    after = handler;
  }

  /** An unprotected path. */
  void open(String path, Handler handler) {
    handlers.put(path, handler);
  }

  /** A protected path with default settings. */
  void protect(String path, Handler handler) {
    protect(path, endpoint -> endpoint, handler);
  }

  void protect(String path, UnaryOperator<HttpEndpoint.Builder> settings, Handler handler) {
    protect(path, operation -> operation, settings, handler);
  }

  void protect(
      String path,
      UnaryOperator<Operation.Builder<HttpOutcome>> operation,
      UnaryOperator<HttpEndpoint.Builder> settings,
      Handler handler) {
    Operation<HttpOutcome> built =
        operation.apply(HttpIdempotency.operation(engine, "POST " + path)).build();
    endpoints.put(path, settings.apply(HttpEndpoint.builder(built)).build());
    handlers.put(path, handler);
  }

  /** Other paths, or spellings of it, that lead to a protected one. */
  void alias(String path, String... others) {
    for (String other : others) {
      endpoints.put(other, endpoints.get(path));
      handlers.put(other, handlers.get(path));
    }
  }

  int port() {
    return tomcat.getConnector().getLocalPort();
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://localhost:" + port() + path))
        .header("Test-User", "alice");
  }

  HttpResponse<byte[]> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  HttpResponse<byte[]> post(String path, String key, String type, String body) throws Exception {
    return send(
        request(path)
            .header("Idempotency-Key", key)
            .header("Content-Type", type)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  HttpResponse<byte[]> post(String path, String key) throws Exception {
    return post(path, key, "application/json", "{}");
  }

  static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  /** Sends bytes as they are and reads until the server closes the connection. */
  String raw(String request) throws IOException {
    try (Socket socket = new Socket("localhost", port())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().flush();
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      socket.getInputStream().transferTo(answer);
      return answer.toString(StandardCharsets.ISO_8859_1);
    }
  }

  void stop() throws Exception {
    tomcat.stop();
    tomcat.destroy();
    engine.close();
  }

  /** Stands for authentication and the other filters in front. */
  private final class OuterFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doFilter(
        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      response.setHeader("X-Outer", "1");
      response.setHeader("Cache-Control", "private");
      run(before, request, response);
      String user = request.getHeader("Test-User");
      try {
        chain.doFilter(
            new HttpServletRequestWrapper(request) {
              @Override
              public Principal getUserPrincipal() {
                return user == null ? null : () -> user;
              }
            },
            response);
      } catch (IOException | ServletException | RuntimeException e) {
        thrown.add(e);
        throw e;
      }
      if (request.getDispatcherType() == DispatcherType.REQUEST) {
        run(after, request, response);
      }
    }
  }

  private static void run(Handler handler, HttpServletRequest request, HttpServletResponse response)
      throws IOException, ServletException {
    try {
      handler.handle(request, response);
    } catch (IOException | ServletException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new ServletException(e);
    }
  }

  private final class HandlerServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws ServletException, IOException {
      runs.incrementAndGet();
      run(handlers.get(request.getRequestURI()), request, response);
    }
  }

  /** An error page as an application has one. */
  private static final class ErrorServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      response.setContentType("text/plain;charset=UTF-8");
      response
          .getWriter()
          .print(
              "error "
                  + request.getAttribute("jakarta.servlet.error.status_code")
                  + " "
                  + request.getAttribute("jakarta.servlet.error.message"));
    }
  }
}
