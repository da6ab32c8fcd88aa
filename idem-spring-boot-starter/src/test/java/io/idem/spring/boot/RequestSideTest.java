package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.http.SourceCheck;
import io.idem.servlet.CallerResolver;
import io.idem.spring.EndpointGuard;
import io.idem.spring.Idempotent;
import io.idem.spring.WebEndpoints;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerMapping;

/** What endpoints of Spring MVC take of a request, as their annotation says. */
class RequestSideTest {

  private static ConfigurableApplicationContext context;
  private static URI base;
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeAll
  static void start() {
    context =
        new SpringApplicationBuilder(App.class)
            .properties(
                "server.port=0",
                "server.address=127.0.0.1",
                "server.servlet.context-path=/app",
                "spring.main.banner-mode=off",
                "idem.store=memory",
                "idem.http.max-key-length=40",
                "idem.http.stale-guard.window=12h",
                "idem.http.problem-base=/docs/idempotency/problems",
                "spring.messages.basename=idem-test-messages")
            .run();
    base =
        URI.create(
            "http://127.0.0.1:"
                + context.getEnvironment().getProperty("local.server.port")
                + "/app");
  }

  @AfterAll
  static void stop() {
    context.close();
  }

  @Test
  void p04_aBodysMemberIsTheKey() {
    String number = UUID.randomUUID().toString();
    String order = "{\"order\":{\"number\":\"" + number + "\"},\"sum\":1}";

    HttpResponse<String> first = post("/orders", order);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(post("/orders", order).body()).isEqualTo(first.body());
    assertProblem(post("/orders", order.replace("1}", "2}")), 422, "key-reused");
    assertProblem(post("/orders", "{\"sum\":1}"), 400, "key-missing");
  }

  @Test
  void p04_anOptionalMemberThatIsMissingReachesTheHandler() {
    HttpResponse<String> first = post("/optional", "{\"sum\":1}");

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(post("/optional", "{\"sum\":1}").body()).isNotEqualTo(first.body());
  }

  @Test
  void p04_aPathVariableIsTheKey() {
    HttpResponse<String> first = post("/orders/a%20b/pay", "{}");

    assertThat(first.body()).startsWith("a b ");
    assertThat(post("/orders/a%20b/pay", "{}").body()).isEqualTo(first.body());
    assertThat(post("/orders/c/pay", "{}").body()).startsWith("c ");
  }

  /** Should the filter ever be passed by: the key is there, optional or not. */
  @Test
  void p04_anOptionalPathVariableDoesNotLeadPastTheFilter() throws Exception {
    EndpointGuard guard = new EndpointGuard(context.getBean(WebEndpoints.class));
    HandlerMethod handler =
        new HandlerMethod(
            context.getBean(Endpoints.class),
            Endpoints.class.getDeclaredMethod("optionalPay", String.class));
    MockHttpServletRequest request = new MockHttpServletRequest("POST", "/optional/1");
    request.setAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE, Map.of("number", "1"));

    assertThatIllegalStateException()
        .isThrownBy(() -> guard.preHandle(request, new MockHttpServletResponse(), handler))
        .withMessageContaining("past the idempotency filter");
  }

  @Test
  void p04_sourceAndNumberAreTheKeyAndBelongToTheCaller() {
    String booking = "{\"system\":\"erp-alice\",\"number\":4711}";

    HttpResponse<String> first = post("/bookings", booking);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(post("/bookings", booking).body()).isEqualTo(first.body());
    assertThat(post("/bookings", booking.replace("4711", "4712")).body())
        .isNotEqualTo(first.body());
    assertProblem(post("/bookings", booking.replace("alice", "bob")), 403, "source-foreign");
    assertProblem(post("/bookings", "{\"number\":4711}"), 400, "key-missing");
  }

  @Test
  void p09_anotherPathIsAnotherOperation() {
    String key = UUID.randomUUID().toString();

    HttpResponse<String> first = post("/separate/1", key, "");

    assertThat(post("/separate/2", key, "").body()).startsWith("2 ");
    assertThat(post("/separate/1", key, "").body()).isEqualTo(first.body());
  }

  @Test
  void p09_anotherPathIsMisuseWhereTheEndpointSaysSo() {
    String key = UUID.randomUUID().toString();

    post("/misuse/1", key, "");

    assertProblem(post("/misuse/2", key, ""), 422, "key-reused");
  }

  @Test
  void p09_anotherEndpointIsMisuseWhereTheyShareTheirKeys() {
    String key = UUID.randomUUID().toString();

    HttpResponse<String> first = post("/shared/order", key, "");

    assertProblem(post("/shared/refund", key, ""), 422, "key-reused");
    assertThat(post("/shared/order", key, "").body()).isEqualTo(first.body());
    assertThat(post("/separate/1", key, "").body()).startsWith("1 ");
  }

  /** What Spring MVC takes for one path never runs twice. */
  @Test
  void p09_noSpellingOfThePathRunsTwice() {
    String key = UUID.randomUUID().toString();
    int before = Endpoints.RUNS.get();

    post("/separate/abc", key, "");
    for (String path : new String[] {"/s%65parate/abc", "/separate/%61bc", "/separate/abc;x=1"}) {
      assertProblem(post(path, key, ""), 422, "key-reused");
    }

    assertThat(Endpoints.RUNS.get() - before).isEqualTo(1);
  }

  @Test
  void p05_theTypeOfAProblemResolves() {
    HttpResponse<String> refused = post("/separate/1", "");

    assertThat(refused.body()).contains("\"type\":\"/app/docs/idempotency/problems/key-missing\"");
    HttpResponse<String> documentation = send(request("/docs/idempotency/problems/key-missing"));
    assertThat(documentation.statusCode()).isEqualTo(200);
    assertThat(documentation.body()).contains("What to do:");
  }

  @Test
  void p07_aKeyThatIsIgnoredIsFlagged() {
    HttpResponse<String> answer = post("/open", "k", "");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "Idempotency-Key-Ignored")).containsExactly("true");
    assertThat(header(post("/open", ""), "Idempotency-Key-Ignored")).isEmpty();
  }

  @Test
  void p07_aKeyThatAServiceUsesIsNotFlagged() {
    String key = UUID.randomUUID().toString();

    HttpResponse<String> first = post("/service", key, "");
    HttpResponse<String> repeat = post("/service", key, "");

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(repeat.body()).isEqualTo(first.body());
    assertThat(header(repeat, "Idempotency-Key-Ignored")).isEmpty();
  }

  /** As endpoints do: by the CallerResolver and by idem.http.max-key-length. */
  @Test
  void p08_aServiceTellsCallersAndReadsKeysAsEndpointsDo() {
    String key = UUID.randomUUID().toString();

    HttpResponse<String> alices = post("/service", key, "");
    HttpResponse<String> bobs =
        send(
            request("/service")
                .setHeader("X-User", "bob")
                .header("Idempotency-Key", key)
                .POST(BodyPublishers.noBody()));

    assertThat(bobs.statusCode()).isEqualTo(200);
    assertThat(bobs.body()).isNotEqualTo(alices.body());
    assertProblem(post("/service", "k".repeat(41), ""), 400, "key-malformed");
  }

  @Test
  void p04_aServicesSourceIsItsCallersOwn() {
    HttpResponse<String> alices = post("/numbered/erp/4711", "");
    HttpResponse<String> bobs =
        send(
            request("/numbered/erp/4711").setHeader("X-User", "bob").POST(BodyPublishers.noBody()));

    assertThat(alices.statusCode()).isEqualTo(200);
    assertThat(post("/numbered/erp/4711", "").body()).isEqualTo(alices.body());
    assertThat(post("/numbered/shop/4711", "").body()).isNotEqualTo(alices.body());
    assertThat(bobs.statusCode()).isEqualTo(200);
    assertThat(bobs.body()).isNotEqualTo(alices.body());
    HttpResponse<String> nobodys =
        send(
            HttpRequest.newBuilder(URI.create(base + "/numbered/erp/4711"))
                .POST(BodyPublishers.noBody()));
    assertProblem(nobodys, 403, "caller-required");
  }

  @Test
  void p10_onlyTheNamedFieldsCount() {
    String key = UUID.randomUUID().toString();

    HttpResponse<String> first = post("/compared", key, "{\"sum\":1,\"sent\":1}");

    assertThat(post("/compared", key, "{\"sum\":1,\"sent\":2}").body()).isEqualTo(first.body());
    assertProblem(post("/compared", key, "{\"sum\":2,\"sent\":1}"), 422, "key-reused");
  }

  /** What a service inside throws is told as the endpoint's own refusals are. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void p34_aServiceSpeaksTheDialectOfItsEndpoint(boolean withKey) {
    String number = UUID.randomUUID().toString();

    HttpResponse<String> refused =
        withKey ? post("/stripe/" + number, number, "") : post("/stripe/" + number, "");

    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("\"type\":\"idempotency_error\"");
    assertThat(header(refused, "Stripe-Should-Retry")).containsExactly("false");
  }

  @Test
  void p31_theRetentionIsPublished() {
    String key = UUID.randomUUID().toString();

    assertThat(header(post("/compared", key, "{}"), "Idempotency-Key-Lifetime"))
        .containsExactly("PT24H");
    assertThat(header(post("/compared", key, "{}"), "Idempotency-Key-Lifetime"))
        .containsExactly("PT24H");
  }

  @Test
  void p32_aStaleRequestIsRefused() {
    Instant now = Instant.now();

    assertThat(post("/separate/1", uuidV7(now), "").statusCode()).isEqualTo(200);
    assertProblem(
        post("/separate/1", uuidV7(now.minus(Duration.ofHours(13))), ""), 412, "stale-request");
    assertThat(post("/hour", uuidV7(now.minus(Duration.ofMinutes(30))), "").statusCode())
        .isEqualTo(200);
    assertProblem(post("/hour", uuidV7(now.minus(Duration.ofHours(2))), ""), 412, "stale-request");
  }

  @Test
  void p33_aTitleSpeaksTheClientsLanguage() {
    HttpResponse<String> bundled =
        send(
            request("/separate/1")
                .header("Accept-Language", "fr-CA")
                .POST(BodyPublishers.noBody()));
    HttpResponse<String> own =
        send(request("/separate/1").header("Accept-Language", "eo").POST(BodyPublishers.noBody()));

    assertThat(bundled.body()).contains("Une clé d’idempotence est requise");
    assertThat(header(bundled, "Content-Language")).containsExactly("fr");
    assertThat(own.body()).contains("Mankas ŝlosilo");
    assertThat(header(own, "Content-Language")).containsExactly("eo");
  }

  private static String uuidV7(Instant time) {
    long millis = time.toEpochMilli();
    return String.format(
        "%08x-%04x-7%s",
        millis >>> 16, millis & 0xFFFF, UUID.randomUUID().toString().substring(15));
  }

  private static List<String> header(HttpResponse<String> response, String name) {
    return response.headers().allValues(name);
  }

  private static void assertProblem(HttpResponse<String> response, int status, String slug) {
    assertThat(response.body()).contains("/idempotency/problems/" + slug + "\"");
    assertThat(response.statusCode()).isEqualTo(status);
  }

  private HttpResponse<String> post(String path, String body) {
    return send(request(path).POST(BodyPublishers.ofString(body)));
  }

  private HttpResponse<String> post(String path, String key, String body) {
    return send(request(path).header("Idempotency-Key", key).POST(BodyPublishers.ofString(body)));
  }

  private static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(base + path))
        .header("X-User", "alice")
        .header("Content-Type", "application/json");
  }

  private HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration(
      excludeName = "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration")
  @Import({Endpoints.class, Service.class})
  static class App {

    @Bean
    CallerResolver callers() {
      return request -> request.getHeader("X-User");
    }

    @Bean
    SourceCheck sources() {
      return (caller, source) -> source.equals("erp-" + caller);
    }
  }

  @RestController
  static class Endpoints {

    static final AtomicInteger RUNS = new AtomicInteger();

    private final Service service;

    Endpoints(Service service) {
      this.service = service;
    }

    @PostMapping("/orders")
    @Idempotent(keyFrom = "json:/order/number")
    String order(@RequestBody Map<String, Object> order) {
      return ran(order.get("sum"));
    }

    @PostMapping("/optional")
    @Idempotent(keyFrom = "json:/number", required = false)
    String optional(@RequestBody Map<String, Object> order) {
      return ran(order.get("sum"));
    }

    @PostMapping("/orders/{number}/pay")
    @Idempotent(keyFrom = "path:number")
    String pay(@PathVariable String number) {
      return ran(number);
    }

    @PostMapping("/optional/{number}")
    @Idempotent(keyFrom = "path:number", required = false)
    String optionalPay(@PathVariable String number) {
      return ran(number);
    }

    @PostMapping("/stripe/{number}")
    @Idempotent(dialect = "stripe", required = false)
    String stripe(@PathVariable String number) {
      service.compared(number, 1);
      return service.compared(number, 2);
    }

    @PostMapping("/bookings")
    @Idempotent(keyFrom = "json:/number", sourceFrom = "json:/system")
    String book(@RequestBody Map<String, Object> booking) {
      return ran(booking.get("number"));
    }

    @PostMapping("/separate/{id}")
    @Idempotent
    String separate(@PathVariable String id) {
      return ran(id);
    }

    @PostMapping("/misuse/{id}")
    @Idempotent(pathScope = Idempotent.PathScope.MISUSE)
    String misuse(@PathVariable String id) {
      return ran(id);
    }

    @PostMapping("/shared/order")
    @Idempotent(keySpace = "shop")
    String sharedOrder() {
      return ran("order");
    }

    @PostMapping("/shared/refund")
    @Idempotent(keySpace = "${test.space:shop}")
    String sharedRefund() {
      return ran("refund");
    }

    @PostMapping("/hour")
    @Idempotent(notOlderThan = "1h")
    String hour() {
      return ran("hour");
    }

    @PostMapping("/compared")
    @Idempotent(comparing = "json:/sum")
    String compared(@RequestBody Map<String, Object> order) {
      return ran(order.get("sum"));
    }

    @PostMapping("/open")
    String open() {
      return ran("open");
    }

    @PostMapping("/service")
    String service() {
      return service.run();
    }

    @PostMapping("/numbered/{system}/{number}")
    String numbered(@PathVariable String system, @PathVariable String number) {
      return service.numbered(system, number);
    }

    private static String ran(Object what) {
      RUNS.incrementAndGet();
      return what + " " + UUID.randomUUID();
    }
  }

  static class Service {

    @Idempotent(header = "Idempotency-Key")
    public String run() {
      return UUID.randomUUID().toString();
    }

    @Idempotent(key = "#number")
    public String compared(String number, int sum) {
      return number + sum;
    }

    @Idempotent(key = "#number", source = "#system", caller = Idempotent.Caller.WITH_SOURCE)
    public String numbered(String system, String number) {
      return system + number + UUID.randomUUID();
    }
  }
}
