package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.KeyReusedException;
import io.idem.spring.EndpointGuard;
import io.idem.spring.WebEndpoints;
import io.idem.spring.boot.EndpointApplication.Booking;
import io.idem.spring.boot.EndpointApplication.Bookings;
import io.idem.spring.boot.EndpointApplication.Effects;
import io.idem.spring.boot.EndpointApplication.Inner;
import io.idem.spring.boot.EndpointApplication.Receipt;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.http.server.observation.ServerRequestObservationContext;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.ResponseBody;
import org.springframework.web.filter.ServerHttpObservationFilter;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** Protected endpoints of a running web application with a database. */
class EndpointTest {

  private static ConfigurableApplicationContext context;
  private static URI base;
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeAll
  static void start() {
    context =
        new SpringApplicationBuilder(EndpointApplication.class)
            .properties(
                "server.port=0",
                "server.address=127.0.0.1",
                "spring.main.banner-mode=off",
                "spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1")
            .run();
    base =
        URI.create("http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port"));
  }

  @AfterAll
  static void stop() {
    context.close();
  }

  @Test
  void aRepeatIsReplayedAndLeavesOneEffect() {
    String name = name();
    HttpResponse<String> first = post("/orders", "alice", "k1", json(name));
    HttpResponse<String> repeat = post("/orders", "alice", "k1", json(name));

    assertThat(first.statusCode()).isEqualTo(201);
    assertThat(replayed(first)).isFalse();
    assertThat(repeat.statusCode()).isEqualTo(201);
    assertThat(replayed(repeat)).isTrue();
    assertThat(repeat.body()).isEqualTo(first.body());
    assertThat(repeat.headers().firstValue("Location")).hasValue("/orders/1");
    assertThat(repeat.headers().firstValue("X-Request-Id")).isEmpty();
    assertThat(effects(name)).isEqualTo(1);
  }

  @Test
  void theKeyIsTheCallersOwn() {
    String name = name();
    HttpResponse<String> alices = post("/orders", "alice", "k2", json(name));
    HttpResponse<String> bobs = post("/orders", "bob", "k2", json(name));

    assertThat(bobs.body()).isNotEqualTo(alices.body());
    assertThat(effects(name)).isEqualTo(2);
  }

  @Test
  void withoutACallerNothingRuns() {
    String name = name();

    HttpResponse<String> answer = post("/orders", null, "k3", json(name));

    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.body()).contains("/idempotency/problems/caller-required");
    assertThat(effects(name)).isZero();
  }

  @Test
  void aCallerWhoseNameCannotScopeAKeyIsRefused() {
    String name = name();

    HttpResponse<String> answer = post("/orders", "a".repeat(1025), "k3", json(name));

    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.body()).contains("/idempotency/problems/caller-required");
    assertThat(effects(name)).isZero();
  }

  @Test
  void aSharedKeyNeedsNoCaller() {
    String name = name();

    HttpResponse<String> first = post("/shared/" + name, null, "k", "");

    assertThat(post("/shared/" + name, "bob", "k", "").body()).isEqualTo(first.body());
    assertThat(effects(name)).isEqualTo(1);
  }

  @Test
  void oneKeyIsAnotherOperationAtEachEndpoint() {
    String name = name();
    post("/shared/" + name, null, "same", "");

    assertThat(replayed(post("/optional/" + name, "alice", "same", ""))).isFalse();
    assertThat(effects(name)).isEqualTo(2);
  }

  @Test
  void p09_anotherPathIsAnotherOperation() {
    post("/orders/1/pay", "alice", "k4", "");
    HttpResponse<String> other = post("/orders/2/pay", "alice", "k4", "");

    assertThat(other.statusCode()).isEqualTo(200);
    assertThat(replayed(other)).isFalse();
    assertThat(effects("paid 2")).isEqualTo(1);
    assertThat(replayed(post("/orders/1/pay", "alice", "k4", ""))).isTrue();
  }

  /** However the path is spelled, what reaches the handler is protected. */
  @ParameterizedTest
  @ValueSource(
      strings = {"/orders", "/%6Frders", "/orders;a=b", "/./orders", "//orders", "/orders?x=1"})
  void noSpellingOfThePathLeadsPastTheProtection(String path) {
    String name = name();

    HttpResponse<String> answer = post(path, "alice", null, json(name));

    assertThat(answer.statusCode()).isBetween(400, 499);
    assertThat(effects(name)).isZero();
  }

  @Test
  void aForwardDoesNotLeadPastTheProtection() {
    HttpResponse<String> answer = post("/forward", "alice", null, "");

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("key-missing");
    assertThat(effects("forwarded")).isZero();
  }

  /** Should the filter ever be passed by, the handler's second lock holds. */
  @Test
  void aProtectedHandlerThatIsReachedPastTheFilterIsRefused() throws Exception {
    EndpointGuard guard = new EndpointGuard(context.getBean(WebEndpoints.class));
    Object controller = context.getBean(EndpointApplication.Endpoints.class);
    Method method = EndpointApplication.Endpoints.class.getDeclaredMethod("pay", String.class);
    HandlerMethod handler = new HandlerMethod(controller, method);

    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                guard.preHandle(
                    new MockHttpServletRequest("POST", "/orders/1/pay"),
                    new MockHttpServletResponse(),
                    handler))
        .withMessageContaining("past the idempotency filter");
  }

  /** A look-up of a path without variables is remembered, as long as nothing else is mapped. */
  @Test
  void aPathThatIsMappedAnewAtRunTimeLeadsToItsNewHandler() throws Exception {
    RequestMappingHandlerMapping mapping =
        context.getBean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class);
    RequestMappingInfo moved =
        RequestMappingInfo.paths("/moved")
            .methods(RequestMethod.POST)
            .options(mapping.getBuilderConfiguration())
            .build();
    Object endpoints = context.getBean(EndpointApplication.Endpoints.class);
    Method order = EndpointApplication.Endpoints.class.getDeclaredMethod("order", Map.class);
    String name = name();
    mapping.registerMapping(moved, endpoints, order);
    assertThat(post("/moved", "alice", null, json(name)).body()).contains("key-missing");
    assertThat(post("/moved", "alice", null, json(name)).body()).contains("key-missing");

    mapping.unregisterMapping(moved);
    HttpResponse<String> nowhere = post("/moved", "alice", "moved", json(name));
    assertThat(nowhere.statusCode()).isBetween(404, 405);
    assertThat(nowhere.headers().firstValue("Idempotency-Key-Ignored")).isPresent();

    mapping.registerMapping(moved, new Open(), Open.class.getDeclaredMethod("open"));
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> open = post("/moved", "alice", "moved", json(name));
      assertThat(open.body()).isEqualTo("open");
      assertThat(open.headers().firstValue("Idempotency-Key-Ignored")).isPresent();
    }

    mapping.unregisterMapping(moved);
    mapping.registerMapping(moved, endpoints, order);
    assertThat(post("/moved", "alice", null, json(name)).body()).contains("key-missing");
    HttpResponse<String> first = post("/moved", "alice", "moved", json(name));
    HttpResponse<String> repeat = post("/moved", "alice", "moved", json(name));
    mapping.unregisterMapping(moved);

    assertThat(first.statusCode()).isEqualTo(201);
    assertThat(replayed(first)).isFalse();
    assertThat(replayed(repeat)).isTrue();
    assertThat(effects(name)).isEqualTo(1);
  }

  /** Nothing protects it. */
  static class Open {

    @ResponseBody
    public String open() {
      return "open";
    }
  }

  @Test
  void aMappingOnAnInterfaceIsProtected() {
    String name = name();
    assertThat(post("/contracted/" + name, "alice", null, "").statusCode()).isEqualTo(400);

    HttpResponse<String> first = post("/contracted/" + name, "alice", "k", "");

    assertThat(post("/contracted/" + name, "alice", "k", "").body()).isEqualTo(first.body());
    assertThat(effects(name)).isEqualTo(1);
  }

  @Test
  void aPutIsProtectedWhereTheHandlerIsMappedToIt() {
    send("PUT", "/orders/7", "alice", "k5", "");

    assertThat(replayed(send("PUT", "/orders/7", "alice", "k5", ""))).isTrue();
    assertThat(effects("put 7")).isEqualTo(1);
  }

  @Test
  void safeMethodsNeedNoKey() {
    assertThat(send("GET", "/orders", "alice", null, "").body()).isEqualTo("all");
  }

  @Test
  void aRejectionIsRecordedAndItsChangeRolledBack() {
    String name = name();
    HttpResponse<String> first = post("/rejected/" + name, "alice", "k6", "");
    HttpResponse<String> repeat = post("/rejected/" + name, "alice", "k6", "");

    assertThat(first.statusCode()).isEqualTo(402);
    assertThat(first.body()).isEqualTo("no funds");
    assertThat(repeat.statusCode()).isEqualTo(402);
    assertThat(replayed(repeat)).isTrue();
    assertThat(repeat.body()).isEqualTo("no funds");
    assertThat(effects(name)).isZero();
  }

  @Test
  void afterAnExceptionNothingHasHappenedAndTheKeyIsFree() {
    String name = name();
    HttpResponse<String> first = post("/broken/" + name, "alice", "k7", "");
    HttpResponse<String> repeat = post("/broken/" + name, "alice", "k7", "");

    assertThat(first.statusCode()).isEqualTo(500);
    assertThat(repeat.statusCode()).isEqualTo(500);
    assertThat(replayed(repeat)).isFalse();
    assertThat(effects(name)).isZero();
  }

  /** The handler has answered, and then its transaction cannot be committed. */
  @Test
  void whatAHandlerSaidOfAnUndoneSuccessIsNotSent() {
    String name = name();

    HttpResponse<String> answer = post("/undone/" + name, "alice", "k14", "");

    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(answer.headers().firstValue("Location")).isEmpty();
    assertThat(answer.body()).doesNotContain("paid");
    assertThat(effects(name)).isZero();
  }

  @Test
  void aRequestThatCannotBeReadLeavesTheKeyFree() {
    String name = name();
    assertThat(post("/orders", "alice", "k8", "{").statusCode()).isEqualTo(400);

    assertThat(post("/orders", "alice", "k8", json(name)).statusCode()).isEqualTo(201);
    assertThat(effects(name)).isEqualTo(1);
  }

  @Test
  void anOptionalKeyProtectsWhereItIsSent() {
    String name = name();
    post("/optional/" + name, "alice", null, "");
    post("/optional/" + name, "alice", null, "");
    assertThat(effects(name)).isEqualTo(2);

    post("/optional/" + name, "alice", "k9", "");
    post("/optional/" + name, "alice", "k9", "");
    assertThat(effects(name)).isEqualTo(3);
  }

  @Test
  void anEndpointMayNameItsHeader() {
    HttpRequest.Builder request = request("POST", "/own-header", "alice", "").header("X-Key", "k");

    assertThat(send(request).body()).isEqualTo(send(request).body());
    assertThat(post("/own-header", "alice", "k", "").statusCode()).isEqualTo(400);
  }

  @Test
  void aFormIsReadAsParameters() {
    HttpRequest.Builder form =
        request("POST", "/form", "alice", "name=Ann+Lee")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Idempotency-Key", "k");
    HttpRequest.Builder other =
        request("POST", "/form", "alice", "name=Bob")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Idempotency-Key", "k");

    assertThat(send(form).body()).isEqualTo("Ann Lee");
    assertThat(send(form).body()).isEqualTo("Ann Lee");
    assertThat(send(other).statusCode()).isEqualTo(422);
    assertThat(effects("form")).isEqualTo(1);
  }

  @Test
  void theHandlerSeesItsAttempt() {
    String key = post("/outgoing", "alice", "k10", "").body();

    assertThat(UUID.fromString(key)).hasToString(key);
  }

  @Test
  void aPassingAnswerOfAnInnerOperationIsNotTheEndpointsOwn() throws Exception {
    String name = name();

    HttpResponse<String> busy =
        whileInnerRuns("in-hand", () -> send(nested("/nested/", "in-hand", name)));
    HttpResponse<String> later = send(nested("/nested/", "in-hand", name));

    assertThat(busy.statusCode()).isEqualTo(409);
    assertThat(busy.body()).contains("in-progress");
    assertThat(later.statusCode()).isEqualTo(200);
    assertThat(later.body()).isEqualTo("in-hand");
    assertThat(replayed(later)).isFalse();
    assertThat(effects(name)).as("what the busy one did was rolled back").isEqualTo(1);
  }

  /** Decision 0049: it is a repeat already, and its client is owed the answer of the first. */
  @Test
  void aBusyInnerOperationOfAnOpenHandlerMayBeAskedAgain() throws Exception {
    String name = name();

    HttpResponse<String> busy =
        whileInnerRuns("open", () -> send(nested("/nested-open/", "open", name)));
    HttpResponse<String> later = send(nested("/nested-open/", "open", name));

    assertThat(busy.statusCode()).isEqualTo(409);
    assertThat(busy.body()).contains("in-progress").contains("\"retryable\":true");
    assertThat(busy.headers().firstValue("Retry-After")).isPresent();
    assertThat(later.statusCode()).isEqualTo(200);
    assertThat(later.body()).isEqualTo("open");
    assertThat(effects(name)).as("no key covers what stands before the call").isEqualTo(2);
  }

  @Test
  void aPassingAnswerOfAnInnerOperationLeavesALeasedEndpointUnknown() throws Exception {
    String name = name();

    HttpResponse<String> busy =
        whileInnerRuns("leased", () -> send(nested("/nested-leased/", "leased", name)));
    HttpResponse<String> later = send(nested("/nested-leased/", "leased", name));

    assertThat(busy.statusCode()).isEqualTo(409);
    assertThat(busy.body()).contains("outcome-unknown");
    assertThat(later.statusCode()).isEqualTo(409);
    assertThat(later.body()).contains("outcome-unknown");
    assertThat(effects(name)).as("nothing undoes it, nothing repeats it").isEqualTo(1);
  }

  @Test
  void aRepeatResumesBehindTheStepsOfItsHandler() {
    String name = name();

    HttpResponse<String> crashed = post("/steps/" + name, "alice", "k13", "");
    HttpResponse<String> resumed = post("/steps/" + name, "alice", "k13", "");
    HttpResponse<String> repeated = post("/steps/" + name, "alice", "k13", "");

    assertThat(crashed.statusCode()).isEqualTo(500);
    assertThat(resumed.statusCode()).isEqualTo(200);
    assertThat(replayed(resumed)).isFalse();
    assertThat(replayed(repeated)).isTrue();
    assertThat(repeated.body()).isEqualTo(resumed.body());
    assertThat(effects(name)).as("one charge, one shipment").isEqualTo(2);
  }

  @Test
  void aBrowserOfAnotherOriginCanReadReplaysAndRefusals() {
    HttpRequest.Builder request =
        request("POST", "/cross-origin", "alice", "")
            .header("Origin", "http://shop.example")
            .header("Idempotency-Key", "k12");
    send(request);
    HttpResponse<String> replay = send(request);
    HttpResponse<String> refusal =
        send(request("POST", "/cross-origin", "alice", "").header("Origin", "http://shop.example"));
    HttpResponse<String> stranger =
        send(
            request("POST", "/cross-origin", "alice", "")
                .header("Origin", "http://elsewhere.example")
                .header("Idempotency-Key", "k12"));

    assertThat(replayed(replay)).isTrue();
    assertThat(replay.headers().allValues("Access-Control-Allow-Origin"))
        .containsExactly("http://shop.example");
    assertThat(replay.headers().allValues("Access-Control-Expose-Headers"))
        .contains("Idempotent-Replayed, Idempotency-Key-Lifetime");
    assertThat(refusal.statusCode()).isEqualTo(400);
    assertThat(refusal.headers().firstValue("Access-Control-Allow-Origin"))
        .hasValue("http://shop.example");
    assertThat(stranger.statusCode()).isEqualTo(403);
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "post", "PURGE"})
  void aHandlerOfAnyMethodIsProtectedForEveryUnsafeOne(String httpMethod) {
    String name = name();
    send(httpMethod, "/any-method/" + name, "alice", "k13" + name, "");
    send(httpMethod, "/any-method/" + name, "alice", "k13" + name, "");

    assertThat(effects(name)).isLessThanOrEqualTo(1);
    assertThat(send(httpMethod, "/any-method/" + name, "alice", null, "").statusCode())
        .isBetween(400, 501);
  }

  /** A replay comes to no handler that could tell its metrics and traces the path. */
  @Test
  void anObservationIsToldThePathWhetherItIsRememberedOrNot() {
    WebEndpoints endpoints = context.getBean(WebEndpoints.class);

    for (int i = 0; i < 3; i++) {
      MockHttpServletRequest request = new MockHttpServletRequest("POST", "/orders");
      ServerRequestObservationContext observed =
          new ServerRequestObservationContext(request, new MockHttpServletResponse());
      request.setAttribute(
          ServerHttpObservationFilter.CURRENT_OBSERVATION_CONTEXT_ATTRIBUTE, observed);

      assertThat(endpoints.resolve(request)).isNotNull();
      assertThat(observed.getPathPattern()).isEqualTo("/orders");
    }
  }

  /** No handler is looked up for a safe method, unless a protected one is mapped to it. */
  @Test
  void aSafeRequestToAHandlerOfAnyMethodHasItsEndpoint() {
    WebEndpoints endpoints = context.getBean(WebEndpoints.class);

    assertThat(endpoints.resolve(new MockHttpServletRequest("GET", "/any-method/x"))).isNotNull();
    assertThat(endpoints.resolve(new MockHttpServletRequest("GET", "/orders"))).isNull();
  }

  @Test
  void aServiceMethodIsIdempotentBySourceAndNumber() {
    Bookings bookings = context.getBean(Bookings.class);
    Receipt first = bookings.book(new Booking("erp", "4711", 10));

    assertThat(bookings.book(new Booking("erp", "4711", 10))).isEqualTo(first);
    assertThat(bookings.book(new Booking("shop", "4711", 10))).isNotEqualTo(first);
    assertThatExceptionOfType(KeyReusedException.class)
        .isThrownBy(() -> bookings.book(new Booking("erp", "4711", 11)));
  }

  /**
   * The answer could not be rendered for this client: its effect is undone, and it may ask anew.
   */
  @Test
  void anAnswerThatTheClientDoesNotAcceptIsNotTheOutcome() {
    String name = name();
    HttpRequest.Builder wrong =
        request("POST", "/orders", "alice", json(name))
            .header("Content-Type", "application/json")
            .header("Accept", "text/html")
            .header("Idempotency-Key", "k14");

    assertThat(send(wrong).statusCode()).isEqualTo(406);
    assertThat(effects(name)).isZero();

    assertThat(post("/orders", "alice", "k14", json(name)).statusCode()).isEqualTo(201);
    assertThat(effects(name)).isEqualTo(1);
  }

  @Test
  void aMediaTypeThatCannotBeReadLeavesTheKeyFree() {
    String name = name();
    HttpRequest.Builder wrong =
        request("POST", "/orders", "alice", json(name))
            .header("Content-Type", "text/plain")
            .header("Idempotency-Key", "k15");

    assertThat(send(wrong).statusCode()).isEqualTo(415);

    assertThat(post("/orders", "alice", "k15", json(name)).statusCode()).isEqualTo(201);
  }

  @Test
  void theTypesOfProblemsResolve() {
    HttpResponse<String> refused = post("/orders", "alice", null, "{}");

    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.headers().firstValue("Content-Type")).hasValue("application/problem+json");
    assertThat(refused.body()).contains("\"type\":\"/idempotency/problems/key-missing\"");
    assertThat(send("GET", "/idempotency/problems/key-missing", null, null, "").body())
        .contains("What to do");
  }

  /** Asks while another caller is inside the inner operation under a key. */
  private static <T> T whileInnerRuns(String key, Supplier<T> ask) throws Exception {
    Inner inner = context.getBean(Inner.class);
    CompletableFuture<String> holder =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return inner.hold(key);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    assertThat(inner.isHeld()).isTrue();
    T answer = ask.get();
    inner.letGo();
    assertThat(holder.get(30, TimeUnit.SECONDS)).isEqualTo(key);
    return answer;
  }

  private static HttpRequest.Builder nested(String path, String inner, String name) {
    return request("POST", path + name, "alice", "")
        .header("Idempotency-Key", "k11")
        .header("X-Inner", inner);
  }

  private static String name() {
    return UUID.randomUUID().toString();
  }

  private static String json(String name) {
    return "{\"name\":\"" + name + "\"}";
  }

  private static int effects(String name) {
    return context.getBean(Effects.class).count(name);
  }

  private static boolean replayed(HttpResponse<?> response) {
    return response.headers().firstValue("Idempotent-Replayed").isPresent();
  }

  private HttpResponse<String> post(String path, String user, String key, String body) {
    return send("POST", path, user, key, body);
  }

  private HttpResponse<String> send(
      String method, String path, String user, String key, String body) {
    HttpRequest.Builder request = request(method, path, user, body);
    if (key != null) {
      request.header("Idempotency-Key", key);
    }
    if (!body.isEmpty()) {
      request.header("Content-Type", "application/json");
    }
    return send(request);
  }

  private static HttpRequest.Builder request(String method, String path, String user, String body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + path))
            .method(method, BodyPublishers.ofString(body));
    return user == null ? request : request.header("X-User", user);
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
}
