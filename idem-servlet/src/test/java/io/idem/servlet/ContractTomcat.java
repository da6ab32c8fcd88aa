package io.idem.servlet;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Disposition;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.core.store.IdempotencyStore;
import io.idem.http.CallerScope;
import io.idem.http.HeaderField;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.HttpOutcome;
import io.idem.http.KeySyntax;
import io.idem.http.ResponsePolicy;
import io.idem.http.StoredResponse;
import io.idem.testkit.http.ContractCall;
import io.idem.testkit.http.ContractRejection;
import io.idem.testkit.http.ContractResponse;
import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.EndpointProfile;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.NodeSettings;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.MultipartConfigElement;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;

/** The application of the contract as plain servlets, in a Tomcat. */
final class ContractTomcat implements HttpContractServer {

  private final ContractScript script;
  private final IdempotencyStore shared;
  private final UnaryOperator<Filter> adapter;
  private final CuttableStore store;
  private final Idempotency engine;
  private final Map<EndpointProfile, HttpEndpoint> endpoints = new EnumMap<>(EndpointProfile.class);
  private final Tomcat tomcat = new Tomcat();

  ContractTomcat(ContractScript script, IdempotencyStore shared, NodeSettings settings) {
    this(script, shared, settings, UnaryOperator.identity());
  }

  /** With another filter in the place of the protocol's. */
  ContractTomcat(
      ContractScript script,
      IdempotencyStore shared,
      NodeSettings settings,
      UnaryOperator<Filter> adapter) {
    this.script = script;
    this.shared = shared;
    this.adapter = adapter;
    this.store = new CuttableStore(shared);
    this.engine = Idempotency.builder().store(store).waitAtMost(NodeSettings.WAIT).build();
    for (EndpointProfile profile : EndpointProfile.values()) {
      if (profile != EndpointProfile.OPEN) {
        endpoints.put(profile, endpoint(profile, settings));
      }
    }
    start();
  }

  private HttpEndpoint endpoint(EndpointProfile profile, NodeSettings settings) {
    Operation.Builder<HttpOutcome> operation = HttpIdempotency.operation(engine, profile.path());
    switch (profile) {
      case IMPATIENT -> operation.waitAtMost(Duration.ZERO);
      case BRIEF -> operation.waitAtMost(Duration.ofMillis(300));
      case FREEING -> operation.onOtherFailure(Disposition.RELEASE);
      case EXPIRING ->
          operation
              .retention(Duration.ofSeconds(2))
              .waitAtMost(Duration.ZERO)
              .lease(Duration.ofMillis(500));
      case REFUSING -> operation.waitAtMost(Duration.ZERO).lease(NodeSettings.SHORT_LEASE);
      case RETRYING ->
          operation
              .waitAtMost(Duration.ZERO)
              .lease(NodeSettings.SHORT_LEASE)
              .onAbandoned(new AbandonedPolicy.Retry<>());
      case RECOVERING ->
          operation
              .waitAtMost(Duration.ZERO)
              .lease(NodeSettings.SHORT_LEASE)
              .onAbandoned(new AbandonedPolicy.Recover<>(attempt -> recovered()));
      default -> {}
    }
    KeySyntax keys = new KeySyntax("Idempotency-Key", 255, settings.strictKeys());
    HttpEndpoint.Builder endpoint =
        HttpEndpoint.builder(operation.build())
            .keySyntax(profile == EndpointProfile.OWN_HEADER ? keys.in("X-Request-Key") : keys)
            .maxRequestBytes(NodeSettings.MAX_REQUEST)
            .maxStoredBytes(NodeSettings.MAX_STORED);
    switch (profile) {
      case OPTIONAL -> endpoint.keyOptional();
      case SHARED -> endpoint.callerScope(CallerScope.SHARED);
      case PUT -> endpoint.methods("PUT", "DELETE");
      case FREEING ->
          endpoint.responsePolicy(ResponsePolicy.DEFAULT.onServerError(Disposition.RELEASE));
      default -> {}
    }
    return endpoint.build();
  }

  private static AbandonedPolicy.Recovery<HttpOutcome> recovered() {
    StoredResponse response =
        new StoredResponse(
            200,
            List.of(new HeaderField("Content-Type", "text/plain")),
            "recovered".getBytes(StandardCharsets.UTF_8));
    return new AbandonedPolicy.Recovery.Happened<>(
        new HttpOutcome.Answered(response, Disposition.RECORD));
  }

  private void start() {
    try {
      Path home = Files.createTempDirectory("idem-contract");
      tomcat.setBaseDir(home.toString());
      tomcat.setPort(0);
      tomcat.getConnector().setProperty("address", "127.0.0.1");
      tomcat.getConnector().setProperty("compression", "on");
      Context context = tomcat.addContext("", home.toString());
      context.setRequestCharacterEncoding("UTF-8");
      Wrapper handlers = Tomcat.addServlet(context, "handlers", new Handlers());
      handlers.setMultipartConfigElement(
          new MultipartConfigElement("", 1_000_000, 1_000_000, 1_000));
      handlers.addMapping("/contract/*");
      Tomcat.addServlet(context, "problems", new ProblemDocumentationServlet())
          .addMapping(HttpIdempotency.DEFAULT_PROBLEM_BASE + "/*");
      addFilter(context, "front", new Front());
      Filter protocol =
          new IdempotencyFilter(
              new HttpIdempotency(),
              request -> endpoints.get(profileOf(request)),
              request -> ContractScript.caller(request.getHeader("Authorization")));
      addFilter(context, "idempotency", adapter.apply(protocol));
      tomcat.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (LifecycleException e) {
      throw new IllegalStateException("The server does not start", e);
    }
  }

  private static void addFilter(Context context, String name, Filter filter) {
    FilterDef definition = new FilterDef();
    definition.setFilterName(name);
    definition.setFilter(filter);
    context.addFilterDef(definition);
    FilterMap map = new FilterMap();
    map.setFilterName(name);
    map.addURLPattern("/contract/*");
    context.addFilterMap(map);
  }

  private static EndpointProfile profileOf(HttpServletRequest request) {
    String path = request.getRequestURI();
    String start = path.substring(0, path.lastIndexOf('/'));
    for (EndpointProfile profile : EndpointProfile.values()) {
      if (profile.path().equals(start)) {
        return profile;
      }
    }
    throw new IllegalStateException("The contract has no endpoint at " + start);
  }

  @Override
  public URI base() {
    return URI.create("http://127.0.0.1:" + tomcat.getConnector().getLocalPort());
  }

  @Override
  public void cutStore() {
    store.cut(true);
  }

  @Override
  public void mendStore() {
    store.cut(false);
  }

  @Override
  public int effects(String name) {
    return script.marks(name);
  }

  @Override
  public HttpContractServer anotherNode(NodeSettings settings) {
    return new ContractTomcat(script, shared, settings, adapter);
  }

  @Override
  public void stop() {
    try {
      tomcat.getConnector().pause();
      engine.close(); // waits for what runs
      tomcat.stop();
      tomcat.destroy();
    } catch (LifecycleException e) {
      throw new IllegalStateException("The server does not stop", e);
    }
  }

  /** What stands in front of the protection. */
  private final class Front extends HttpFilter {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doFilter(
        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      int refusal = script.refusal(request.getHeader("Authorization"));
      if (refusal == 0) {
        chain.doFilter(request, response);
      } else {
        response.setStatus(refusal);
      }
    }
  }

  private final class Handlers extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws ServletException, IOException {
      String path = request.getRequestURI();
      ContractResponse answer;
      try {
        answer =
            script.answer(path.substring(path.lastIndexOf('/') + 1), new Call(script, request));
      } catch (ContractRejection e) {
        answer = ContractResponse.text(402, e.getMessage());
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new ServletException(e);
      }
      send(response, answer);
    }
  }

  static void send(HttpServletResponse response, ContractResponse answer) throws IOException {
    if (answer.errorMessage() != null) {
      response.sendError(answer.status(), answer.errorMessage());
      return;
    }
    response.setStatus(answer.status());
    answer.headers().forEach(line -> response.addHeader(line.getKey(), line.getValue()));
    response.getOutputStream().write(answer.body());
  }

  /** A request of the container, as the script sees it. */
  private record Call(ContractScript script, HttpServletRequest request) implements ContractCall {

    @Override
    public String header(String name) {
      return request.getHeader(name);
    }

    @Override
    public byte[] body() {
      try {
        return request.getInputStream().readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public List<String> field(String name) {
      String[] values = request.getParameterValues(name);
      return values == null ? List.of() : List.of(values);
    }

    @Override
    public void nothingHappened() {
      IdempotentExchange.nothingHappened(request);
    }

    @Override
    public void doNotKeep() {
      IdempotentExchange.doNotKeepResponse(request);
    }

    @Override
    public void effect(String name) {
      script.mark(name);
    }

    @Override
    public void effectThenRejection(String name) {
      throw new UnsupportedOperationException("There is no transaction");
    }

    @Override
    public void beforeCommit(Runnable action) {
      throw new UnsupportedOperationException("There is no transaction");
    }
  }
}
