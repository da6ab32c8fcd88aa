package io.idem.client;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.core.Operation;
import io.idem.http.CallerScope;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.HttpOutcome;
import io.idem.servlet.IdempotencyFilter;
import io.idem.testkit.TcpProxy;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;

/**
 * A Tomcat that charges, protected by Idem, behind a proxy that drops connections. One for all
 * tests of a process. What goes wrong is said for each call, by the parameter {@code call}.
 */
final class ChargeServer {

  /** What happens to one arrival of a request. */
  sealed interface Fault {

    /** The effect happens; then every connection is dropped, before the answer. */
    record DropAfterEffect() implements Fault {}

    /** Every connection is dropped, and nothing happens. */
    record DropBefore() implements Fault {}

    /** The effect happens; the answer comes when the request has arrived again. */
    record SlowUntilNextArrival() implements Fault {}

    /** The effect happens; the answer comes when a repeat has been told 409. */
    record SlowUntilConflict() implements Fault {}

    /** Something in front answers, and nothing happens. */
    record Answer(int status, Map<String, String> headers, String body) implements Fault {}

    /** The same as gzip, whatever the client accepts. */
    record Zipped(Answer answer) implements Fault {}

    static Fault answer(int status, String... headers) {
      return headers.length == 0
          ? new Answer(status, Map.of(), "")
          : new Answer(status, Map.of(headers[0], headers[1]), "");
    }

    static Answer problem(int status, String slug, boolean retryable, String retryAfter) {
      return new Answer(
          status,
          Map.of("Content-Type", "application/problem+json", "Retry-After", retryAfter),
          "{\"type\":\"/idempotency/problems/%s\",\"retryable\":%s}".formatted(slug, retryable));
    }
  }

  /** What was seen of a call, and what happens to its arrivals, in their order. */
  static final class Visits {
    final AtomicInteger effects = new AtomicInteger();
    final List<String> keys = new CopyOnWriteArrayList<>();
    final List<String> firstSent = new CopyOnWriteArrayList<>();
    private final List<Fault> faults;
    private final CountDownLatch arrivedAgain = new CountDownLatch(2);
    private final CountDownLatch conflict = new CountDownLatch(1);

    private Visits(List<Fault> faults) {
      this.faults = faults;
    }

    int arrivals() {
      return keys.size();
    }
  }

  private static final String FAULT = Fault.class.getName();

  private final Map<String, Visits> calls = new ConcurrentHashMap<>();
  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final Map<String, HttpEndpoint> endpoints;
  private final Tomcat tomcat = new Tomcat();
  private final TcpProxy proxy;

  /** Started when it is asked for first; ends with the process. */
  private static final class Shared {
    static final ChargeServer INSTANCE = new ChargeServer();
  }

  static ChargeServer shared() {
    return Shared.INSTANCE;
  }

  private ChargeServer() {
    endpoints =
        Map.of(
            "/charges", endpoint("charges", Duration.ofSeconds(20)),
            "/impatient", endpoint("impatient", Duration.ZERO));
    try {
      Path home = Files.createTempDirectory("idem-client-tomcat");
      tomcat.setBaseDir(home.toString());
      tomcat.setPort(0);
      Context context = tomcat.addContext("", home.toString());
      Tomcat.addServlet(context, "charges", new Charges()).addMapping("/*");
      add(context, "front", new Front());
      add(
          context,
          "idempotency",
          IdempotencyFilter.builder(
                  HttpIdempotency.builder().build(),
                  request -> endpoints.get(request.getRequestURI()))
              .build());
      tomcat.start();
    } catch (IOException | LifecycleException e) {
      throw new IllegalStateException("The server does not start", e);
    }
    proxy = TcpProxy.to("127.0.0.1", tomcat.getConnector().getLocalPort());
  }

  private HttpEndpoint endpoint(String name, Duration waitAtMost) {
    Operation<HttpOutcome> operation =
        HttpIdempotency.operation(engine, name).waitAtMost(waitAtMost).build();
    return HttpEndpoint.builder(operation).callerScope(CallerScope.SHARED).build();
  }

  private static void add(Context context, String name, Filter filter) {
    FilterDef definition = new FilterDef();
    definition.setFilterName(name);
    definition.setFilter(filter);
    context.addFilterDef(definition);
    FilterMap map = new FilterMap();
    map.setFilterName(name);
    map.addURLPattern("/*");
    context.addFilterMap(map);
  }

  /** Through the proxy. */
  String url() {
    return "http://127.0.0.1:" + proxy.port();
  }

  /** Says what happens to the arrivals of a call; the later ones are served. */
  Visits expect(String id, Fault... faults) {
    Visits visits = new Visits(List.of(faults));
    calls.put(id, visits);
    return visits;
  }

  /** Stands for whatever is in front of a service. */
  private final class Front extends HttpFilter {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doFilter(
        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      if (request.getHeader("Idem-Outgoing-Call") != null) {
        throw new ServletException("What the adapter for Feign notes has left it");
      }
      Visits visits = calls.get(request.getParameter("call"));
      visits.firstSent.add(String.valueOf(request.getHeader("Repeatability-First-Sent")));
      visits.keys.add(String.valueOf(request.getHeader("Idempotency-Key")));
      int arrival = visits.arrivals();
      visits.arrivedAgain.countDown();
      Fault fault = arrival <= visits.faults.size() ? visits.faults.get(arrival - 1) : null;
      if (fault instanceof Fault.DropBefore) {
        proxy.drop();
      } else if (fault instanceof Fault.Answer answer) {
        answer(request, response, answer, bytes(answer));
      } else if (fault instanceof Fault.Zipped zipped) {
        response.setHeader("Content-Encoding", "gzip");
        answer(request, response, zipped.answer(), Codings.gzip(bytes(zipped.answer())));
      } else {
        request.setAttribute(FAULT, fault);
        chain.doFilter(request, response);
        if (response.getStatus() == 409) {
          visits.conflict.countDown();
        }
      }
    }
  }

  private static byte[] bytes(Fault.Answer answer) {
    return answer.body().getBytes(StandardCharsets.UTF_8);
  }

  private static void answer(
      HttpServletRequest request, HttpServletResponse response, Fault.Answer answer, byte[] body)
      throws IOException {
    request.getInputStream().readAllBytes();
    answer.headers().forEach(response::setHeader);
    response.setStatus(answer.status());
    response.getOutputStream().write(body);
  }

  private final class Charges extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      Visits visits = calls.get(request.getParameter("call"));
      String query = request.getQueryString();
      if (request.getRequestURI().equals("/moved")) {
        response.setStatus(307);
        response.setHeader("Location", url() + "/charges?" + query);
        return;
      } else if (request.getRequestURI().equals("/see-other")) {
        visits.effects.incrementAndGet();
        response.setStatus(303);
        response.setHeader("Location", url() + "/receipt?" + query);
        return;
      } else if (request.getRequestURI().equals("/receipt")) {
        String status = request.getParameter("receipt");
        response.setStatus(status == null ? 200 : Integer.parseInt(status));
        response.getWriter().print(request.getMethod());
        return;
      }
      String body = new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      response.setContentType("application/json");
      if (body.contains("declined")) {
        response.setStatus(402);
        response.getWriter().print("{\"code\":\"card_declined\"}");
        return;
      }
      int effect = visits.effects.incrementAndGet();
      hold(visits, request.getAttribute(FAULT));
      response.setStatus(201);
      response.getWriter().print("{\"charge\":" + effect + "}");
    }
  }

  private void hold(Visits visits, Object fault) {
    if (fault instanceof Fault.DropAfterEffect) {
      proxy.drop();
    } else if (fault instanceof Fault.SlowUntilNextArrival) {
      await(visits.arrivedAgain);
    } else if (fault instanceof Fault.SlowUntilConflict) {
      await(visits.conflict);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("What was waited for did not happen");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
