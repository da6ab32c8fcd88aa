package io.idem.servlet;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Disposition;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.core.OperationTokens;
import io.idem.core.store.IdempotencyStore;
import io.idem.http.BodyFields;
import io.idem.http.CallerScope;
import io.idem.http.HeaderField;
import io.idem.http.HttpDialect;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.HttpOutcome;
import io.idem.http.KeySource;
import io.idem.http.KeySyntax;
import io.idem.http.PathScope;
import io.idem.http.RequestValue;
import io.idem.http.ResponsePolicy;
import io.idem.http.StaleGuard;
import io.idem.http.TokenIssuer;
import io.idem.http.UnprotectedKeys;
import io.idem.testkit.http.ContractRejection;
import io.idem.testkit.http.ContractResponse;
import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.EndpointProfile;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.NodeSettings;
import io.idem.testkit.http.ServletCall;
import io.idem.testkit.http.ServletFront;
import jakarta.servlet.Filter;
import jakarta.servlet.MultipartConfigElement;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
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
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.ErrorPage;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.jspecify.annotations.Nullable;

/** The application of the contract as plain servlets, in a Tomcat. */
final class ContractTomcat implements HttpContractServer {

  private static final CallerResolver CALLERS =
      request -> ContractScript.caller(request.getHeader("Authorization"));

  private static final String ERROR_PAGE = "/error";
  private static final Duration CLOCK_SKEW = Duration.ofMinutes(5);

  private final ContractScript script;
  private final IdempotencyStore shared;
  private final NodeSettings settings;
  private final UnaryOperator<Filter> adapter;
  private final CuttableStore store;
  private final Idempotency engine;
  private final OperationTokens tokens =
      OperationTokens.builder()
          .key("contract", NodeSettings.tokenSecret())
          .clockSkew(CLOCK_SKEW)
          .build();
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
    this.settings = settings;
    this.adapter = adapter;
    this.store = new CuttableStore(shared);
    this.engine = Idempotency.builder().store(store).waitAtMost(NodeSettings.WAIT).build();
    for (EndpointProfile profile : EndpointProfile.values()) {
      if (profile != EndpointProfile.OPEN) {
        endpoints.put(profile, endpoint(profile));
      }
    }
    start();
  }

  private HttpEndpoint endpoint(EndpointProfile profile) {
    KeySyntax keys = new KeySyntax("Idempotency-Key", 255, settings.strictKeys());
    HttpEndpoint.Builder endpoint =
        HttpEndpoint.builder(operation(profile))
            .keySyntax(keys)
            .maxRequestBytes(NodeSettings.MAX_REQUEST)
            .maxStoredBytes(NodeSettings.MAX_STORED);
    switch (profile) {
      case OPTIONAL -> endpoint.keyOptional();
      case OWN_HEADER -> endpoint.keySyntax(keys.in("X-Request-Key"));
      case SHARED -> endpoint.callerScope(CallerScope.SHARED);
      case PUT -> endpoint.methods("PUT", "DELETE");
      case FREEING -> endpoint.responsePolicy(onServerError(Disposition.RELEASE));
      case RECORDING -> endpoint.responsePolicy(onServerError(Disposition.RECORD));
      case BUSY_STATUS -> endpoint.busyStatus(425);
      case COMPARING -> endpoint.comparing(BodyFields.parse("json:/order/number"));
      case MISUSE -> endpoint.pathScope(PathScope.MISUSE);
      case BODY_KEY -> endpoint.keySource(at("json:/number"));
      case FORM_KEY -> endpoint.keySource(at("form:number"));
      case PATH_KEY -> endpoint.keySource(at("path:name"));
      case SOURCED ->
          endpoint.keySource(
              KeySource.sourceAndNumber(
                  RequestValue.parse("header:X-System"),
                  RequestValue.parse("header:X-Number"),
                  255,
                  ContractScript::mayName));
      case TOKEN, BRIEF_TOKEN ->
          endpoint.keySource(
              KeySource.token(tokens, keys, new RequestValue.Field("idempotency_token")));
      case GUARDED -> endpoint.staleGuard(StaleGuard.within(Duration.ofHours(1)));
      case STRIPE -> endpoint.dialect(HttpDialect.stripe());
      case OASIS -> endpoint.dialect(HttpDialect.oasis());
      default -> {}
    }
    return endpoint.build();
  }

  private Operation<HttpOutcome> operation(EndpointProfile profile) {
    Operation.Builder<HttpOutcome> operation =
        HttpIdempotency.operation(engine, profile.operation());
    switch (profile) {
      case IMPATIENT, BUSY_STATUS, STRIPE -> operation.waitAtMost(Duration.ZERO);
      case BRIEF -> operation.waitAtMost(Duration.ofMillis(300));
      case FREEING -> operation.onOtherFailure(Disposition.RELEASE);
      case EXPIRING ->
          operation
              .retention(Duration.ofSeconds(2))
              .waitAtMost(Duration.ZERO)
              .lease(Duration.ofMillis(500));
      case BRIEF_TOKEN -> operation.retention(CLOCK_SKEW.plusSeconds(2));
      case REFUSING, RETRYING, RECOVERING ->
          operation.waitAtMost(Duration.ZERO).lease(NodeSettings.SHORT_LEASE);
      default -> {}
    }
    if (profile == EndpointProfile.RETRYING) {
      operation.onAbandoned(new AbandonedPolicy.Retry<>());
    } else if (profile == EndpointProfile.RECOVERING) {
      operation.onAbandoned(new AbandonedPolicy.Recover<>(attempt -> recovered()));
    }
    return operation.build();
  }

  private static ResponsePolicy onServerError(Disposition disposition) {
    return ResponsePolicy.DEFAULT.onServerError(disposition);
  }

  private static KeySource at(String place) {
    return KeySource.at(RequestValue.parse(place), 255);
  }

  private static AbandonedPolicy.Recovery<HttpOutcome> recovered() {
    return new AbandonedPolicy.Recovery.Happened<>(
        HttpOutcome.answered(
            200,
            List.of(new HeaderField("Content-Type", "text/plain")),
            "recovered".getBytes(StandardCharsets.UTF_8)));
  }

  private void start() {
    try {
      Path home = Files.createTempDirectory("idem-contract");
      tomcat.setBaseDir(home.toString());
      tomcat.setPort(0);
      tomcat.getConnector().setProperty("address", "127.0.0.1");
      tomcat.getConnector().setProperty("compression", "on");
      Context context = tomcat.addContext(settings.contextPath(), home.toString());
      context.setRequestCharacterEncoding("UTF-8");
      Wrapper handlers = addServlet(context, "handlers", new Handlers(), "/contract/*");
      handlers.setMultipartConfigElement(
          new MultipartConfigElement("", 1_000_000, 1_000_000, 1_000));
      HttpIdempotency protocol =
          HttpIdempotency.builder()
              .unprotectedKeys(
                  settings.refuseUnprotectedKeys() ? UnprotectedKeys.REFUSE : UnprotectedKeys.FLAG)
              .build();
      addServlet(
          context, "problems", new ProblemDocumentationServlet(), protocol.problemBase() + "/*");
      addServlet(
          context,
          "tokens",
          new TokenServlet(new TokenIssuer(protocol, this::issuing, null), CALLERS),
          TokenServlet.DEFAULT_PATH);
      addServlet(context, "errors", new ErrorServlet(), ERROR_PAGE);
      ErrorPage page = new ErrorPage();
      page.setLocation(ERROR_PAGE);
      context.addErrorPage(page);
      addFilter(context, "front", new ServletFront(script));
      addFilter(context, "idempotency", adapter.apply(filter(protocol)));
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

  private static Wrapper addServlet(
      Context context, String name, HttpServlet servlet, String pattern) {
    Wrapper wrapper = Tomcat.addServlet(context, name, servlet);
    wrapper.addMapping(pattern);
    return wrapper;
  }

  private Filter filter(HttpIdempotency protocol) {
    return IdempotencyFilter.builder(protocol, this::endpointOf)
        .callers(CALLERS)
        .authorizer((request, endpoint) -> isAdmitted(request))
        .errorPages(status -> ERROR_PAGE)
        .build();
  }

  private @Nullable HttpEndpoint endpointOf(HttpServletRequest request) {
    PathVariables.put(request, Map.of("name", nameIn(request)));
    return endpoints.get(profileOf(request));
  }

  private Optional<HttpEndpoint> issuing(String operation) {
    return endpoints.values().stream()
        .filter(endpoint -> endpoint.operation().name().equals(operation))
        .findAny();
  }

  /** The rule on the handler, which the handler asks as well. */
  private boolean isAdmitted(HttpServletRequest request) {
    return profileOf(request) != EndpointProfile.SECURED
        || script.isGranted(String.valueOf(CALLERS.resolve(request)));
  }

  private static EndpointProfile profileOf(HttpServletRequest request) {
    String path = request.getServletPath() + request.getPathInfo();
    return EndpointProfile.at(path)
        .orElseThrow(() -> new IllegalStateException("The contract has no endpoint at " + path));
  }

  private static String nameIn(HttpServletRequest request) {
    String path = request.getPathInfo();
    return path.substring(path.lastIndexOf('/') + 1);
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

  private final class Handlers extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws ServletException, IOException {
      if (!isAdmitted(request)) {
        response.setStatus(HttpServletResponse.SC_FORBIDDEN);
        return;
      }
      try {
        send(response, answer(request));
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new ServletException(e);
      }
    }

    private ContractResponse answer(HttpServletRequest request) throws Exception {
      try {
        return script.answer(nameIn(request), new Call(script, request));
      } catch (ContractRejection e) {
        return ContractResponse.text(402, e.getMessage());
      }
    }
  }

  private static void send(HttpServletResponse response, ContractResponse answer) throws Exception {
    if (answer.errorMessage() != null) {
      response.sendError(answer.status(), answer.errorMessage());
      return;
    }
    response.setStatus(answer.status());
    answer.headers().forEach(line -> response.addHeader(line.getKey(), line.getValue()));
    response.getOutputStream().write(answer.body());
    ContractResponse.Rest rest = answer.rest();
    if (rest != null) {
      response.flushBuffer();
      response.getOutputStream().write(rest.get());
    }
  }

  /** An error page as an application has one: it is another each time. */
  private static final class ErrorServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      response.setContentType("text/plain;charset=UTF-8");
      response
          .getWriter()
          .print(
              request.getAttribute(RequestDispatcher.ERROR_MESSAGE)
                  + ", seen "
                  + UUID.randomUUID());
    }
  }

  private static final class Call extends ServletCall {

    private final ContractScript script;
    private final HttpServletRequest request;

    Call(ContractScript script, HttpServletRequest request) {
      super(request);
      this.script = script;
      this.request = request;
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
  }
}
